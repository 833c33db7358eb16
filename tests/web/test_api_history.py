"""History over the API: pages, filters, and whose legs are seen (A18, A19)."""

import base64
from datetime import datetime, timedelta

import pytest
from flask.testing import FlaskClient

from ledger.commands.register import register
from ledger.core.msisdn import local_form, mask_msisdn
from ledger.core.people import NewUser, User
from ledger.core.rules import NAIROBI
from ledger.db.engine import Database
from tests.msisdns import new_msisdn
from tests.web.api_people import PIN, SYSTEM, ApiCustomer, join
from ussd_app.settings import Settings


def test_history_pages_neither_repeat_nor_miss_while_new_rows_arrive(
    wanjiku: ApiCustomer, otieno: ApiCustomer
) -> None:
    sent = [wanjiku.send(otieno.msisdn, str(n + 1)).json["reference"] for n in range(12)]
    seen: list[str] = []
    query: dict[str, str | int] = {"limit": 5, "type": "transfer"}
    while True:
        page = wanjiku.get("/api/wallet/transactions", **query).json
        seen += [row["reference"] for row in page["transactions"]]
        assert page["count"] == len(page["transactions"]) <= 5
        if page["nextCursor"] is None:
            break
        query["cursor"] = page["nextCursor"]
        wanjiku.send(otieno.msisdn, "1")
    assert seen == sent[::-1]


def _twin(database: Database, msisdn: str) -> str:
    """Register somebody whose masked number is the same as another's."""
    # Half the numbers with this mask away, where no other test takes its numbers from.
    others = ((int(msisdn[7:10]) + 500 + n) % 1000 for n in range(9))
    numbers = (f"{msisdn[:7]}{middle:03d}{msisdn[10:]}" for middle in others)
    number = next(number for number in numbers if PIN not in number)
    assert mask_msisdn(number) == mask_msisdn(msisdn)
    twin = NewUser(number, "Njeri", "Kamau", "en", "1", "ussd")
    assert isinstance(register(database, SYSTEM, twin, PIN), User)
    return twin.msisdn


def test_history_shows_what_each_filter_and_all_together_ask_for(
    wanjiku: ApiCustomer, otieno: ApiCustomer, database: Database
) -> None:
    twin = _twin(database, otieno.msisdn)
    to_otieno = wanjiku.send(otieno.msisdn, "10").json["reference"]
    to_twin = wanjiku.send(twin, "20").json["reference"]
    back = otieno.send(wanjiku.msisdn, "5").json["reference"]
    held = wanjiku.post("/api/wallet/withdraw", {"amount": "400", "pin": PIN}).json["reference"]
    rows = wanjiku.get("/api/wallet/transactions").json["transactions"]
    last, *_, first = (datetime.fromisoformat(row["createdAt"]) for row in rows)
    begun, ended = (moment.astimezone(NAIROBI).date() for moment in (first, last))
    deposited = rows[-1]["reference"]
    everything = [held, back, to_twin, to_otieno, deposited]

    def found(caller: ApiCustomer = wanjiku, **query: str) -> list[str]:
        answer = caller.get("/api/wallet/transactions", **query)
        assert answer.status_code == 200, answer.text
        return [row["reference"] for row in answer.json["transactions"]]

    assert found() == everything
    assert found(type="transfer") == [back, to_twin, to_otieno]
    assert found(type="reversal") == []
    assert found(status="pending") == [held]
    assert found(status="completed") == everything[1:]
    assert found(status="failed") == []
    assert found(startDate=str(begun), endDate=str(ended)) == everything
    assert found(startDate=str(ended + timedelta(1))) == []
    assert found(endDate=str(begun - timedelta(1))) == []
    assert found(counterparty=otieno.msisdn) == [back, to_otieno]
    assert found(counterparty=local_form(otieno.msisdn)) == [back, to_otieno]
    assert found(counterparty=twin) == [to_twin]
    assert found(otieno, counterparty=wanjiku.msisdn) == [back, to_otieno]
    assert found(counterparty=wanjiku.msisdn) == [held], "whose own number M-Pesa pays"
    assert found(counterparty=new_msisdn()) == []
    all_four = {
        "type": "withdrawal",
        "status": "pending",
        "startDate": str(begun),
        "endDate": str(ended),
        "counterparty": wanjiku.msisdn,
    }
    assert found(**all_four) == [held]
    for name, other in (
        ("type", "transfer"),
        ("status", "completed"),
        ("startDate", str(ended + timedelta(1))),
        ("endDate", str(begun - timedelta(1))),
        ("counterparty", otieno.msisdn),
    ):
        changed = {**all_four, name: other}
        if name == "startDate":
            changed["endDate"] = other
        elif name == "endDate":
            changed["startDate"] = other
        assert found(**changed) == [], name


def test_history_with_one_person_pages_past_what_others_did(
    wanjiku: ApiCustomer, otieno: ApiCustomer, database: Database
) -> None:
    twin = _twin(database, otieno.msisdn)
    sent = []
    for number in range(5):
        sent.append(wanjiku.send(otieno.msisdn, str(number + 1)).json["reference"])
        wanjiku.send(twin, "1")
    seen: list[str] = []
    query: dict[str, str | int] = {"limit": 2, "counterparty": otieno.msisdn}
    while True:
        page = wanjiku.get("/api/wallet/transactions", **query).json
        seen += [row["reference"] for row in page["transactions"]]
        if page["nextCursor"] is None:
            break
        query["cursor"] = page["nextCursor"]
    assert seen == sent[::-1]


def test_a_counterparty_is_a_whole_kenyan_number(wanjiku: ApiCustomer) -> None:
    path = "/api/wallet/transactions"
    for part in ("0712***678", "678", "Otieno", ""):
        assert wanjiku.get(path, counterparty=part).status_code == 400, part
    foreign = wanjiku.get(path, counterparty="+447911123456")
    assert (foreign.status_code, foreign.json["code"]) == (422, "phone_invalid")


def test_history_shows_both_legs_each_to_its_owner(
    wanjiku: ApiCustomer, otieno: ApiCustomer
) -> None:
    made = wanjiku.send(otieno.msisdn, "100").json
    sent = wanjiku.get(f"/api/wallet/transactions/{made['id']}").json
    received = otieno.get(f"/api/wallet/transactions/{made['reference']}").json
    assert (sent["direction"], sent["balanceBefore"], sent["balanceAfter"]) == (
        "debit",
        "1000.00",
        "900.00",
    )
    assert (received["direction"], received["balanceAfter"]) == ("credit", "100.00")
    assert received["counterpartyName"] == "Wanjiku Kamau"
    assert wanjiku.msisdn[1:] not in str(received)
    assert "900.00" not in str(received)


def test_a_strangers_transaction_does_not_exist(
    client: FlaskClient,
    database: Database,
    settings: Settings,
    wanjiku: ApiCustomer,
    otieno: ApiCustomer,
) -> None:
    made = wanjiku.send(otieno.msisdn, "100").json
    stranger = join(client, database, settings)
    for wanted in (made["id"], made["reference"], "999999999999999999", "0", "x"):
        assert stranger.get(f"/api/wallet/transactions/{wanted}").status_code == 404


@pytest.mark.parametrize(
    "query",
    [
        {"limit": "abc"},
        {"limit": "0"},
        {"limit": "101"},
        {"limit": "-1"},
        {"type": "bribe"},
        {"status": "lost"},
        {"startDate": "yesterday"},
        {"startDate": "2026-02-02", "endDate": "2026-02-01"},
        {"endDate": "9999-12-31"},
        {"cursor": "zzz"},
        {"cursor": base64.urlsafe_b64encode(b"9" * 30 + b".1").decode()},
        {"offset": "5"},
    ],
    ids=str,
)
def test_nonsense_in_a_history_query_is_400(wanjiku: ApiCustomer, query: dict[str, str]) -> None:
    answer = wanjiku.get("/api/wallet/transactions", **query)
    assert answer.status_code == 400
    assert answer.json["code"] == "invalid_request"
