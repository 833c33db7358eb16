"""What the phone's journeys do to the ledger: requests, complaints, look-ups, forgotten PINs."""

import threading
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from ledger.commands import money_requests, name_lookups, pin_resets, tickets
from ledger.commands.pins import PinAccepted, check_pin
from ledger.core.context import Context
from ledger.core.people import User
from ledger.core.plans import Posted
from ledger.core.refusals import Refusal, RefusalCode
from ledger.db.engine import Database
from ledger.db.tickets import Ticket
from ledger.one_time_codes import start_pin_of
from ledger.queries import users, wallets
from ledger.queries.tickets import ticket as read_ticket
from ledger.queries.tickets import tickets_in
from tests.db.people import SYSTEM, new_user
from tests.msisdns import new_msisdn

PEPPER = "p" * 40


def acting(user: User) -> Context:
    return Context.of_user(user.id, "ussd")


def sms_to(database: Database, msisdn: str) -> list[tuple[str, dict[str, Any]]]:
    with database.transaction(SYSTEM) as connection:
        connection.execute("SELECT fill_outbox()")
        rows = connection.execute(
            "SELECT template, params FROM outbox WHERE recipient = %s ORDER BY id", (msisdn,)
        ).fetchall()
    return [(row["template"], row["params"]) for row in rows]


def ask(database: Database, requester: User, payer_msisdn: str, cents: int, key: str = "") -> Any:
    return money_requests.ask(
        database,
        acting(requester),
        requester.id,
        payer_msisdn,
        cents,
        source="ussd",
        reference=key or f"{requester.id}:{payer_msisdn}:{cents}",
    )


def expire(owner_url: str, table: str, column: str, value: int) -> None:
    """Let the time of a row run out, which only the owner of the tables can do."""
    names = {"table": sql.Identifier(table), "column": sql.Identifier(column)}
    with psycopg.connect(owner_url) as owner:
        owner.execute(sql.SQL("ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY").format(**names))
        owner.execute(
            sql.SQL(
                "UPDATE {table} SET expires_at = now() - interval '1 second' WHERE {column} = %s"
            ).format(**names),
            (value,),
        )
        owner.execute(sql.SQL("ALTER TABLE {table} FORCE ROW LEVEL SECURITY").format(**names))


# Requests for money -----------------------------------------------------------------------------


def test_a_request_reaches_its_payer_and_nobody_else(database: Database) -> None:
    asker, payer, other = (new_user(database) for _ in range(3))

    assert ask(database, asker, payer.msisdn, 150_00) is None

    [waiting] = money_requests.open_requests(database, acting(payer), payer.id)
    assert (waiting.amount, waiting.requester_msisdn) == (150_00, asker.msisdn)
    assert money_requests.open_requests(database, acting(other), other.id) == []
    assert sms_to(database, payer.msisdn)[-1][0] == "money_requested"


def test_a_paid_request_moves_money_once_however_often_it_is_paid(database: Database) -> None:
    asker, payer = new_user(database), new_user(database, cents=500_00)
    ask(database, asker, payer.msisdn, 150_00)
    [waiting] = money_requests.open_requests(database, acting(payer), payer.id)

    answers = [money_requests.pay(database, acting(payer), payer.id, waiting.id) for _ in range(3)]

    receipts = {answer.receipt for answer in answers if isinstance(answer, Posted)}
    assert len(receipts) == 1
    assert wallets.balance(database, acting(asker), asker.id) == 150_00
    assert money_requests.open_requests(database, acting(payer), payer.id) == []


def test_a_request_answers_alike_for_members_and_strangers(database: Database) -> None:
    asker, member = new_user(database), new_user(database)

    assert ask(database, asker, member.msisdn, 50_00) is None
    assert ask(database, asker, new_msisdn(), 50_00) is None


def test_the_same_key_asks_once(database: Database) -> None:
    asker, payer = new_user(database), new_user(database)

    for _ in range(2):
        assert ask(database, asker, payer.msisdn, 70_00, key=f"twice:{asker.id}") is None

    assert len(money_requests.open_requests(database, acting(payer), payer.id)) == 1


def test_a_declined_request_can_no_longer_be_paid(database: Database) -> None:
    asker, payer = new_user(database), new_user(database, cents=500_00)
    ask(database, asker, payer.msisdn, 150_00)
    [waiting] = money_requests.open_requests(database, acting(payer), payer.id)

    assert money_requests.decline(database, acting(payer), payer.id, waiting.id) is None

    again = money_requests.pay(database, acting(payer), payer.id, waiting.id)
    assert isinstance(again, Refusal)
    assert again.code is RefusalCode.REQUEST_CLOSED
    assert sms_to(database, asker.msisdn)[-1][0] == "money_request_declined"
    assert wallets.balance(database, acting(payer), payer.id) == 500_00


def test_nobody_pays_or_declines_for_somebody_else(database: Database) -> None:
    asker, payer, other = (new_user(database, cents=500_00) for _ in range(3))
    ask(database, asker, payer.msisdn, 150_00)
    [waiting] = money_requests.open_requests(database, acting(payer), payer.id)

    for answer in (
        money_requests.pay(database, acting(other), other.id, waiting.id),
        money_requests.decline(database, acting(other), other.id, waiting.id),
    ):
        assert isinstance(answer, Refusal)
        assert answer.code is RefusalCode.REQUEST_UNKNOWN


def test_nobody_asks_themself_and_nobody_asks_eleven_times_a_day(database: Database) -> None:
    asker = new_user(database)
    payers = [new_user(database) for _ in range(11)]

    own = ask(database, asker, asker.msisdn, 50_00)
    answers = [ask(database, asker, payer.msisdn, 50_00) for payer in payers]

    assert own.code is RefusalCode.RECIPIENT_IS_SENDER
    assert answers[:10] == [None] * 10
    assert answers[10].code is RefusalCode.REQUESTS_TODAY


# Complaints -------------------------------------------------------------------------------------


def complain(database: Database, user: User, key: str) -> Ticket | Refusal:
    return tickets.open_ticket(
        database,
        acting(user),
        user.id,
        "Sent to a wrong number",
        receipt="7KQ2MRX9TB",
        source="ussd",
        reference=key,
    )


def test_a_complaint_gets_a_number_once_and_support_closes_it(database: Database) -> None:
    jane = new_user(database)

    first = complain(database, jane, f"{jane.id}:1")
    again = complain(database, jane, f"{jane.id}:1")

    assert isinstance(first, Ticket)
    assert first == again
    told = [
        params for template, params in sms_to(database, jane.msisdn) if template == "ticket_opened"
    ]
    assert told == [{"ticket": first.number}]
    support = Context(actor="admin:1", channel="console")
    assert first.number in {found.number for found in tickets_in(database, support, "open")}
    answered = tickets.answer_ticket(database, support, first.number, "Tumelipa.", "seen")
    assert isinstance(answered, Ticket)
    told = [params for template, params in sms_to(database, jane.msisdn) if "answer" in params]
    assert told == [{"ticket": first.number, "answer": "Tumelipa."}]
    closed = tickets.close_ticket(database, support, first.number, "paid back")
    assert isinstance(closed, Ticket)
    assert closed.closed_by == "admin:1"
    page = read_ticket(database, support, first.number)
    assert page is not None
    assert [line.action for line in page.history] == [
        "ticket.opened",
        "ticket.answered",
        "ticket.closed",
    ]
    for late in (
        tickets.close_ticket(database, support, first.number, "again"),
        tickets.answer_ticket(database, support, first.number, "Late", "again"),
    ):
        assert isinstance(late, Refusal)


@pytest.mark.parametrize("answer", ["", "x" * 121, "café ☕"])
def test_an_answer_that_is_no_single_sms_is_refused(database: Database, answer: str) -> None:
    ticket = complain(database, new_user(database), uuid4().hex)
    assert isinstance(ticket, Ticket)
    support = Context(actor="admin:1", channel="console")
    assert isinstance(
        tickets.answer_ticket(database, support, ticket.number, answer, "try"), Refusal
    )


def test_the_sixth_complaint_of_a_day_is_refused(database: Database) -> None:
    jane = new_user(database)

    answers = [complain(database, jane, f"{jane.id}:{number}") for number in range(6)]

    assert all(isinstance(answer, Ticket) for answer in answers[:5])
    assert isinstance(answers[5], Refusal)
    assert answers[5].code is RefusalCode.TICKETS_TODAY


# Names ------------------------------------------------------------------------------------------


def test_the_sixth_name_of_a_day_without_a_payment_is_refused(database: Database) -> None:
    jane = new_user(database)
    numbers = [new_msisdn() for _ in range(6)]

    answers = [
        name_lookups.note_lookup(database, acting(jane), jane.id, number) for number in numbers
    ]

    assert answers[:5] == [None] * 5
    assert answers[5] is not None
    assert answers[5].code is RefusalCode.LOOKUPS_TODAY
    known = name_lookups.note_lookup(database, acting(jane), jane.id, numbers[0])
    assert known is None, "a number that was shown already tells nothing new"


def test_a_payment_gives_its_lookup_back(database: Database) -> None:
    jane = new_user(database)
    numbers = [new_msisdn() for _ in range(6)]
    for number in numbers[:5]:
        name_lookups.note_lookup(database, acting(jane), jane.id, number)

    name_lookups.note_payment(database, acting(jane), jane.id, numbers[0])

    assert name_lookups.note_lookup(database, acting(jane), jane.id, numbers[5]) is None


def test_parallel_lookups_do_not_slip_through(database: Database) -> None:
    jane = new_user(database)
    answers: list[Refusal | None] = []

    def look_up() -> None:
        answers.append(name_lookups.note_lookup(database, acting(jane), jane.id, new_msisdn()))

    threads = [threading.Thread(target=look_up) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert answers.count(None) == 5


# Forgotten PINs ---------------------------------------------------------------------------------


def reset(database: Database, user: User, name: str, cents: int) -> PinAccepted | Refusal:
    return pin_resets.reset_pin(
        database, acting(user), user.id, PEPPER, last_name=name, last_amount=cents
    )


@pytest.mark.parametrize("name", ["Wanjiru", "wanjiru", " WANJIRU "])
def test_the_right_answers_send_a_start_pin_that_must_be_changed(
    database: Database, name: str
) -> None:
    jane = new_user(database, cents=345_00)

    assert isinstance(reset(database, jane, name, 345_00), PinAccepted)

    template, params = sms_to(database, jane.msisdn)[-1]
    assert template == "start_pin"
    start_pin = start_pin_of(PEPPER, bytes.fromhex(params["nonce"]))
    assert start_pin not in str(params)
    assert isinstance(check_pin(database, acting(jane), jane.id, start_pin), PinAccepted)
    after = users.get(database, acting(jane), jane.id)
    assert after is not None
    assert after.pin_must_change
    assert after.withdrawals_capped_until is not None
    assert after.withdrawals_capped_until > datetime.now(UTC) + timedelta(hours=23)


@pytest.mark.parametrize(("name", "cents"), [("Wanjiru", 344_00), ("Otieno", 345_00)])
def test_the_third_wrong_answer_blocks_even_the_right_ones(
    database: Database, name: str, cents: int
) -> None:
    jane = new_user(database, cents=345_00)

    codes = [reset(database, jane, name, cents) for _ in range(3)]
    right = reset(database, jane, "Wanjiru", 345_00)

    assert [code.code for code in codes if isinstance(code, Refusal)] == [
        RefusalCode.IDENTITY_WRONG,
        RefusalCode.IDENTITY_WRONG,
        RefusalCode.RESETS_BLOCKED,
    ]
    assert isinstance(right, Refusal)
    assert right.code is RefusalCode.RESETS_BLOCKED
    assert "start_pin" not in {template for template, _ in sms_to(database, jane.msisdn)}


def test_a_customer_without_a_movement_answers_nought(database: Database) -> None:
    jane = new_user(database)

    assert isinstance(reset(database, jane, "Wanjiru", 0), PinAccepted)


def test_a_start_pin_ages(database: Database, database_owner_url: str) -> None:
    jane = new_user(database, cents=345_00)
    reset(database, jane, "Wanjiru", 345_00)
    assert pin_resets.refuse_expired_start_pin(database, acting(jane), jane.id) is None

    expire(database_owner_url, "pin_resets", "user_id", jane.id)

    refusal = pin_resets.refuse_expired_start_pin(database, acting(jane), jane.id)
    assert refusal is not None
    assert refusal.code is RefusalCode.START_PIN_EXPIRED


def test_an_expired_request_can_not_be_paid(database: Database, database_owner_url: str) -> None:
    asker, payer = new_user(database), new_user(database, cents=500_00)
    ask(database, asker, payer.msisdn, 150_00)
    [waiting] = money_requests.open_requests(database, acting(payer), payer.id)

    expire(database_owner_url, "money_requests", "id", waiting.id)

    assert money_requests.open_requests(database, acting(payer), payer.id) == []
    late = money_requests.pay(database, acting(payer), payer.id, waiting.id)
    assert isinstance(late, Refusal)
    assert late.code is RefusalCode.REQUEST_CLOSED
