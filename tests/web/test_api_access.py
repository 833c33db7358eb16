"""Coming in by the API: codes, registration, login, tokens (A26, A27, D23-D33)."""

from typing import Any

import jwt
import pytest
from flask.testing import FlaskClient

from ledger.commands.profiles import close_wallet
from ledger.core.context import Context
from ledger.db.engine import Database
from tests.msisdns import new_msisdn
from tests.web.api_people import PIN, SYSTEM, ask_code, join, last_code
from ussd_app.settings import Settings


@pytest.fixture
def joined(client: FlaskClient, database: Database, settings: Settings) -> Any:
    return join(client, database, settings)


def _login(client: FlaskClient, msisdn: str, **fields: str) -> Any:
    return client.post("/api/auth/login", json={"phone": msisdn, "pin": PIN, **fields})


def _outbox(database: Database, msisdn: str, template: str) -> list[dict[str, Any]]:
    with database.transaction(SYSTEM) as connection:
        return connection.execute(
            "SELECT * FROM outbox WHERE recipient = %s AND template = %s", (msisdn, template)
        ).fetchall()


def test_registration_opens_a_wallet_and_a_session(joined: Any) -> None:
    assert joined.balance == "0.00"
    assert joined.tokens["tokenType"] == "Bearer"
    assert joined.tokens["expiresInSeconds"] == 900


def test_no_answer_and_no_row_holds_the_code(
    client: FlaskClient, database: Database, settings: Settings
) -> None:
    msisdn = new_msisdn()
    answer = client.post("/api/auth/otp", json={"phone": msisdn, "purpose": "registration"})
    code = last_code(database, settings, msisdn)
    assert code not in answer.text
    with database.transaction(SYSTEM) as connection:
        for table in ("one_time_codes", "outbox"):
            column = "msisdn" if table == "one_time_codes" else "recipient"
            rows = connection.execute(
                f"SELECT t::text AS row FROM {table} AS t WHERE {column} = %s", (msisdn,)
            ).fetchall()
            assert len(rows) == 1
            assert f'"{code}"' not in rows[0]["row"]


def test_a_registered_number_gets_no_code_for_registration_and_the_same_answer(
    client: FlaskClient, database: Database, joined: Any
) -> None:
    before = len(_outbox(database, joined.msisdn, "one_time_code"))
    known = client.post("/api/auth/otp", json={"phone": joined.msisdn, "purpose": "registration"})
    unknown = client.post("/api/auth/otp", json={"phone": new_msisdn(), "purpose": "registration"})
    assert (known.status_code, known.json) == (unknown.status_code, unknown.json)
    assert len(_outbox(database, joined.msisdn, "one_time_code")) == before


def test_login_takes_a_code_or_a_known_device(
    client: FlaskClient, database: Database, settings: Settings, joined: Any
) -> None:
    assert _login(client, joined.msisdn).status_code == 401
    ask_code(client, joined.msisdn, "login")
    code = last_code(database, settings, joined.msisdn)
    with_code = _login(client, joined.msisdn, otp=code)
    assert with_code.status_code == 200
    assert _login(client, joined.msisdn, otp=code).status_code == 401, "a code works once"
    with_device = _login(client, joined.msisdn, deviceToken=with_code.json["deviceToken"])
    assert with_device.status_code == 200
    assert with_device.json["deviceToken"] is None


def test_a_device_is_its_owners_only(
    client: FlaskClient, database: Database, settings: Settings, joined: Any
) -> None:
    other = join(client, database, settings)
    answer = _login(client, joined.msisdn, deviceToken=other.tokens["deviceToken"])
    assert answer.status_code == 401


def test_a_code_for_registration_does_not_log_in(
    client: FlaskClient, database: Database, settings: Settings, joined: Any
) -> None:
    stolen = last_code(database, settings, joined.msisdn)
    assert _login(client, joined.msisdn, otp=stolen).status_code == 401


def test_five_wrong_codes_kill_the_code_whatever_the_address(
    client: FlaskClient, database: Database, settings: Settings, joined: Any
) -> None:
    ask_code(client, joined.msisdn, "login")
    right = last_code(database, settings, joined.msisdn)
    wrong = f"{(int(right) + 1) % 10**6:06d}"
    for number in range(5):
        answer = client.post(
            "/api/auth/login",
            json={"phone": joined.msisdn, "pin": PIN, "otp": wrong},
            headers={"X-Forwarded-For": f"10.0.0.{number}"},
        )
        assert (answer.status_code, answer.json["code"]) == (401, "code_wrong")
    answer = _login(client, joined.msisdn, otp=right)
    assert (answer.status_code, answer.json["code"]) == (429, "code_blocked")
    assert len(_outbox(database, joined.msisdn, "one_time_code_blocked")) == 1


def test_three_wrong_pins_lock_also_for_the_right_one_and_the_owner_is_told(
    client: FlaskClient, database: Database, settings: Settings, joined: Any
) -> None:
    device = joined.tokens["deviceToken"]
    codes = []
    for number in range(4):
        answer = client.post(
            "/api/auth/login",
            json={
                "phone": joined.msisdn,
                "pin": "9999" if number < 3 else PIN,
                "deviceToken": device,
            },
            headers={"X-Forwarded-For": f"10.1.0.{number}"},
        )
        codes.append((answer.status_code, answer.json["code"]))
    wrong, locked = (403, "pin_wrong"), (429, "pin_locked")
    assert codes == [wrong, wrong, locked, locked]
    assert len(_outbox(database, joined.msisdn, "pin_locked")) == 1


def test_a_stranger_without_code_can_not_lock_a_pin(client: FlaskClient, joined: Any) -> None:
    for _ in range(4):
        body = {"phone": joined.msisdn, "pin": "9999", "otp": "000000"}
        assert client.post("/api/auth/login", json=body).status_code == 401
    assert (
        _login(client, joined.msisdn, deviceToken=joined.tokens["deviceToken"]).status_code == 200
    )


def test_unknown_and_known_numbers_are_refused_alike(client: FlaskClient, joined: Any) -> None:
    known = _login(client, joined.msisdn, otp="123456")
    unknown = _login(client, new_msisdn(), otp="123456")
    assert (known.status_code, known.json) == (unknown.status_code, unknown.json)


def test_a_refresh_token_works_once_and_its_reuse_ends_the_session(
    client: FlaskClient, joined: Any
) -> None:
    first = joined.tokens["refreshToken"]
    answer = client.post("/api/auth/refresh", json={"refreshToken": first})
    assert answer.status_code == 200
    joined.tokens = answer.json
    assert joined.balance == "0.00", "the new pair works"
    again = client.post("/api/auth/refresh", json={"refreshToken": first})
    assert (again.status_code, again.json["code"]) == (401, "token_reused")
    newest = client.post("/api/auth/refresh", json={"refreshToken": joined.tokens["refreshToken"]})
    assert newest.status_code == 401, "the thief's or the owner's pair is dead too"
    assert joined.get("/api/wallet/balance").status_code == 401


def test_logout_ends_access_and_refresh(client: FlaskClient, joined: Any) -> None:
    assert client.post("/api/auth/logout", headers=joined.headers).status_code == 204
    assert joined.get("/api/wallet/balance").status_code == 401
    body = {"refreshToken": joined.tokens["refreshToken"]}
    assert client.post("/api/auth/refresh", json=body).status_code == 401


def test_the_token_of_a_closed_customer_is_worth_nothing(database: Database, joined: Any) -> None:
    context = Context(actor="admin:1", channel="console")
    assert close_wallet(database, context, joined.user_id, "asked to") is None
    assert joined.get("/api/wallet/balance").status_code == 401


@pytest.mark.parametrize(
    "claims",
    [
        {"type": "refresh"},
        {"iss": "other"},
        {"aud": "other"},
        {"exp": 1},
        {"sub": "user:1"},
        {"sid": 999_999_999},
    ],
    ids=lambda claims: next(iter(claims)),
)
def test_a_token_with_another_claim_is_refused(
    joined: Any, settings: Settings, claims: dict[str, Any]
) -> None:
    from ussd_app.channels.api import tokens

    key = tokens._key(settings.secret_key.get_secret_value())
    token = joined.tokens["accessToken"]
    original = jwt.decode(token, key, algorithms=["HS256"], audience=tokens.AUDIENCE)
    joined.tokens["accessToken"] = jwt.encode({**original, **claims}, key, algorithm="HS256")
    answer = joined.get("/api/wallet/balance")
    assert (answer.status_code, answer.json["code"]) == (401, "token_invalid")


def test_an_unsigned_token_is_refused(joined: Any) -> None:
    claims = jwt.decode(joined.tokens["accessToken"], options={"verify_signature": False})
    joined.tokens["accessToken"] = jwt.encode(claims, None, algorithm="none")
    assert joined.get("/api/wallet/balance").status_code == 401


def test_at_most_five_codes_an_hour_go_to_a_number(client: FlaskClient) -> None:
    msisdn = new_msisdn()
    body = {"phone": msisdn, "purpose": "registration"}
    answers = [client.post("/api/auth/otp", json=body).status_code for _ in range(6)]
    assert answers == [202] * 5 + [429]


def test_a_weak_pin_leaves_the_code_good(
    client: FlaskClient, database: Database, settings: Settings
) -> None:
    msisdn = new_msisdn()
    ask_code(client, msisdn, "registration")
    body = {
        "phone": msisdn,
        "otp": last_code(database, settings, msisdn),
        "pin": "1111",
        "firstName": "Otieno",
        "lastName": "Ouma",
    }
    weak = client.post("/api/auth/register", json=body)
    assert (weak.status_code, weak.json["code"]) == (422, "pin_weak")
    assert client.post("/api/auth/register", json={**body, "pin": PIN}).status_code == 201
