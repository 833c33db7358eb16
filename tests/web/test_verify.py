"""The public page that tells genuine statements from altered ones, and nothing more."""

import hashlib
import io
from datetime import UTC, datetime

import pytest
from flask.testing import FlaskClient

from jobs.statements import MadeFile, make_wallet_statement
from ledger.core.context import Context
from ledger.core.rules import nairobi_day
from ledger.core.statements import Period
from ledger.db.engine import Database
from tests.db.people import new_user


@pytest.fixture
def made(database: Database) -> tuple[MadeFile, bytes]:
    user = new_user(database, cents=4_321_00, first_name="Nekesa")
    today = nairobi_day(datetime.now(UTC))
    out = io.BytesIO()
    file = make_wallet_statement(
        database,
        Context.of_user(user.id, "api"),
        user.id,
        Period(today, today),
        file_format="pdf",
        public_url="https://cycle.example",
        out=out,
    )
    assert isinstance(file, MadeFile)
    return file, out.getvalue()


def upload(client: FlaskClient, reference: str, content: bytes) -> str:
    answer = client.post(
        f"/verify/{reference}",
        data={"file": (io.BytesIO(content), "statement.pdf")},
        headers={"Accept": "application/json"},
    )
    return str(answer.get_json()["verdict"])


def test_the_issued_file_is_genuine_and_a_changed_byte_is_not(
    client: FlaskClient, made: tuple[MadeFile, bytes]
) -> None:
    file, content = made
    reference = file.issued.reference
    assert upload(client, reference, content) == "genuine"
    assert upload(client, reference, content[:-1] + b"!") == "altered"
    digest = hashlib.sha256(content).hexdigest()
    answer = client.post(f"/verify/{reference}", data={"digest": digest})
    assert answer.status_code == 200
    assert "Genuine" in answer.text


def test_a_genuine_file_under_another_reference_is_not_taken(
    client: FlaskClient, made: tuple[MadeFile, bytes], database: Database
) -> None:
    other = new_user(database, cents=100)
    today = nairobi_day(datetime.now(UTC))
    out = io.BytesIO()
    second = make_wallet_statement(
        database,
        Context.of_user(other.id, "api"),
        other.id,
        Period(today, today),
        file_format="csv",
        public_url="https://cycle.example",
        out=out,
    )
    assert isinstance(second, MadeFile)
    assert upload(client, made[0].issued.reference, out.getvalue()) == "altered"
    assert upload(client, second.issued.reference, out.getvalue()) == "genuine"


def test_the_page_reveals_no_name_number_or_amount(
    client: FlaskClient, made: tuple[MadeFile, bytes]
) -> None:
    file, _ = made
    answer = client.get(f"/verify/{file.issued.reference.lower()}")
    assert answer.status_code == 200
    assert file.issued.reference in answer.text
    for secret in ("Nekesa", file.summary.number, str(file.summary.msisdn), "4,321", "4321"):
        assert secret not in answer.text


@pytest.mark.parametrize("reference", ["7KQ2MRX9TB", "O0O0O0O0O0", "<script>", "x" * 300])
def test_an_unknown_reference_is_404(client: FlaskClient, reference: str) -> None:
    assert client.get(f"/verify/{reference}").status_code == 404
    assert client.post(f"/verify/{reference}", data={"digest": "0" * 64}).status_code == 404


def test_nothing_given_is_said(client: FlaskClient, made: tuple[MadeFile, bytes]) -> None:
    path = f"/verify/{made[0].issued.reference}"
    answer = client.post(path, headers={"Accept-Language": "sw"})
    assert answer.status_code == 400
    assert "Chagua faili kwanza" in answer.text
    assert client.post(path, data={"digest": "not a digest"}).status_code == 400
