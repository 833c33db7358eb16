"""Transfers and the PIN through the use-cases: A13, A14, A17 and the order of refusals."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from random import Random
from uuid import uuid4

import pytest

from ledger.commands.pins import PinAccepted, change_pin, check_pin, give_start_pin, unlock_pin
from ledger.commands.profiles import close_wallet, freeze_wallet, unfreeze_wallet
from ledger.commands.reversals import reverse
from ledger.commands.transfers import Quote, quote, transfer
from ledger.core.context import Context
from ledger.core.people import User
from ledger.core.plans import Posted
from ledger.core.refusals import Refusal, RefusalCode
from ledger.db import rules
from ledger.db.engine import Database
from ledger.queries.verify import verify_ledger
from ledger.queries.wallets import balance, recent_movements
from tests.db.people import PIN, SYSTEM, deposit, new_user
from tests.limits import set_limit
from tests.msisdns import new_msisdn
from tests.quick_hashing import open_database
from ussd_app.settings import Settings


def _send(
    database: Database, payer: User, to: str, cents: int, reference: str | None = None
) -> Posted | Refusal:
    return transfer(
        database,
        Context.of_user(payer.id, "ussd"),
        payer.id,
        to,
        cents,
        source="ussd",
        reference=reference or uuid4().hex,
    )


def _balance(database: Database, user: User) -> int:
    cents = balance(database, SYSTEM, user.id)
    assert isinstance(cents, int)
    return cents


def test_both_sides_of_a_transfer_are_told_with_one_receipt(database: Database) -> None:
    jane = new_user(database, cents=70_000)
    john = new_user(database, language="sw", first_name="John", last_name="Otieno")
    sent = _send(database, jane, john.msisdn, 20_000)
    assert isinstance(sent, Posted)
    assert (_balance(database, jane), _balance(database, john)) == (50_000, 20_000)
    with database.transaction(SYSTEM) as connection:
        connection.execute("SELECT fill_outbox()")
        messages = connection.execute(
            "SELECT user_id, template, language, params FROM outbox WHERE transaction_id = %s"
            " ORDER BY id",
            (sent.transaction_id,),
        ).fetchall()
    assert [(m["user_id"], m["template"], m["language"]) for m in messages] == [
        (jane.id, "transfer_sent", "en"),
        (john.id, "transfer_received", "sw"),
    ]
    assert {m["params"]["receipt"] for m in messages} == {sent.receipt}
    assert messages[0]["params"]["name"] == "John Otieno"
    assert messages[0]["params"]["balance"] == 50_000
    movement = recent_movements(database, Context.of_user(john.id, "ussd"), john.id)[0]
    assert movement.receipt == sent.receipt
    assert movement.counterparty == {
        "name": "Jane Wanjiru",
        "msisdn": f"0{jane.msisdn[4:7]}***{jane.msisdn[-3:]}",
    }


def test_a_quote_shows_name_fee_and_total_and_moves_nothing(fresh_database: Database) -> None:
    jane, john = new_user(fresh_database, cents=70_000), new_user(fresh_database)
    with fresh_database.transaction(SYSTEM) as connection:
        rules.set_tariff(
            connection,
            "transfer",
            [(10_000, 0), (100_000, 700)],
            valid_from=datetime.now(UTC),
            set_by="admin:1",
        )
    context = Context.of_user(jane.id, "ussd")
    shown = quote(fresh_database, context, jane.id, john.msisdn, 20_000)
    assert isinstance(shown, Quote)
    assert (shown.recipient_name, shown.fee, shown.total) == ("Jane Wanjiru", 700, 20_700)
    assert _balance(fresh_database, jane) == 70_000
    assert isinstance(_send(fresh_database, jane, john.msisdn, 20_000), Posted)
    assert (_balance(fresh_database, jane), _balance(fresh_database, john)) == (49_300, 20_000)
    assert quote(fresh_database, context, jane.id, john.msisdn, 49_000) == Refusal(
        RefusalCode.INSUFFICIENT_FUNDS, {"balance": 49_300, "fee": 700}
    )


def test_refusals_of_a_transfer_come_in_their_order(database: Database) -> None:
    jane, john = new_user(database, cents=1_000), new_user(database)
    context = Context.of_user(jane.id, "ussd")

    def code(to: str, cents: int) -> RefusalCode:
        refusal = _send(database, jane, to, cents)
        assert isinstance(refusal, Refusal)
        return refusal.code

    assert code(new_msisdn(), 5_000) is RefusalCode.RECIPIENT_UNKNOWN
    assert code(jane.msisdn, 5_000) is RefusalCode.RECIPIENT_IS_SENDER
    assert code(john.msisdn, 0) is RefusalCode.AMOUNT_INVALID
    assert code(john.msisdn, 25_000_001) is RefusalCode.AMOUNT_TOO_LARGE
    assert code(john.msisdn, 5_000) is RefusalCode.INSUFFICIENT_FUNDS
    freeze_wallet(database, SYSTEM, john.id, "test")
    assert code(john.msisdn, 5_000) is RefusalCode.RECIPIENT_CANNOT_RECEIVE
    freeze_wallet(database, SYSTEM, jane.id, "test")
    assert code(john.msisdn, 5_000) is RefusalCode.ACCOUNT_FROZEN
    unfreeze_wallet(database, SYSTEM, jane.id, "test")
    give_start_pin(database, SYSTEM, jane.id, "9071")
    assert code(john.msisdn, 500) is RefusalCode.PIN_MUST_CHANGE
    assert transfer(
        database, context, 10**9, john.msisdn, 500, source="x", reference=uuid4().hex
    ) == Refusal(RefusalCode.NOT_REGISTERED)
    assert _balance(database, jane) == 1_000


def test_a_full_wallet_tells_the_sender_nothing_but_that_it_can_not_receive(
    fresh_database: Database,
) -> None:
    jane, john = new_user(fresh_database, cents=70_000), new_user(fresh_database)
    set_limit(fresh_database, "wallet", 1, 100, 100)
    assert _send(fresh_database, jane, john.msisdn, 10_001) == Refusal(
        RefusalCode.RECIPIENT_CANNOT_RECEIVE
    )
    assert isinstance(_send(fresh_database, jane, john.msisdn, 10_000), Posted)


def test_two_hundred_transfers_by_twenty_threads_end_without_a_deadlock(
    fresh_database: Database, fresh_database_url: str, settings: Settings
) -> None:
    # A14, with money going round in both directions at once. Two processes' worth: what one
    # Database is asked for travels together and meets nobody but the other's groups.
    other = open_database(settings, fresh_database_url)
    other.open()
    databases = (fresh_database, other)
    people = [new_user(fresh_database, cents=100_000) for _ in range(10)]
    random = Random(7)
    moves = [(*random.sample(people, 2), random.randint(1, 5_000)) for _ in range(200)]

    def send(number: int) -> Posted | Refusal:
        sender, recipient, cents = moves[number]
        return _send(databases[number % 2], sender, recipient.msisdn, cents)

    try:
        with ThreadPoolExecutor(20) as pool:
            answers = list(pool.map(send, range(len(moves))))
    finally:
        other.close()
    assert all(isinstance(answer, Posted) for answer in answers), answers
    assert sum(_balance(fresh_database, person) for person in people) == 1_000_000
    assert verify_ledger(fresh_database) == []


def test_the_same_transfer_from_many_threads_happens_once(database: Database) -> None:
    jane, john = new_user(database, cents=100_000), new_user(database)
    reference = uuid4().hex
    with ThreadPoolExecutor(10) as pool:
        answers = list(
            pool.map(lambda _: _send(database, jane, john.msisdn, 1_000, reference), range(10))
        )
    assert all(isinstance(answer, Posted) for answer in answers)
    assert len({answer.receipt for answer in answers if isinstance(answer, Posted)}) == 1
    assert _balance(database, john) == 1_000


def test_a_wallet_is_never_overdrawn_by_senders_at_once(database: Database) -> None:
    # A12's shape for transfers: 20 at once over all the money, one succeeds.
    jane, john = new_user(database, cents=100_000), new_user(database)
    barrier = threading.Barrier(20)

    def send(_: int) -> Posted | Refusal:
        barrier.wait()
        return _send(database, jane, john.msisdn, 100_000)

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(send, range(20)))
    assert sum(isinstance(answer, Posted) for answer in answers) == 1
    assert (_balance(database, jane), _balance(database, john)) == (0, 100_000)


def test_a_reversal_brings_the_money_back_once_and_tells_both(database: Database) -> None:
    jane, john = new_user(database, cents=10_000), new_user(database)
    sent = _send(database, jane, john.msisdn, 4_000)
    assert isinstance(sent, Posted)
    admin = Context(actor="admin:1", channel="console")

    def undo(receipt: str) -> Posted | Refusal:
        return reverse(
            database, admin, receipt, why="sent in error", source="console", reference=uuid4().hex
        )

    undone = undo(sent.receipt)
    assert isinstance(undone, Posted)
    assert (_balance(database, jane), _balance(database, john)) == (10_000, 0)
    assert undo(sent.receipt) == Refusal(RefusalCode.ALREADY_REVERSED)
    assert undo(undone.receipt) == Refusal(RefusalCode.REVERSAL_OF_REVERSAL)
    assert undo("AAAAAAAAAA") == Refusal(RefusalCode.TRANSACTION_UNKNOWN)
    with database.transaction(SYSTEM) as connection:
        connection.execute("SELECT fill_outbox()")
        told = connection.execute(
            "SELECT user_id FROM outbox WHERE transaction_id = %s AND"
            " template = 'transfer_reversed' ORDER BY user_id",
            (undone.transaction_id,),
        ).fetchall()
    assert [row["user_id"] for row in told] == sorted([jane.id, john.id])


def test_a_reversal_is_refused_when_the_money_is_spent(database: Database) -> None:
    jane, john, third = new_user(database, cents=10_000), new_user(database), new_user(database)
    sent = _send(database, jane, john.msisdn, 4_000)
    assert isinstance(sent, Posted)
    _send(database, john, third.msisdn, 1)
    refusal = reverse(
        database, SYSTEM, sent.receipt, why="error", source="console", reference=uuid4().hex
    )
    assert isinstance(refusal, Refusal)
    assert refusal.code is RefusalCode.INSUFFICIENT_FUNDS


def test_a_wallet_closes_only_when_empty_and_stays_closed(database: Database) -> None:
    jane, john = new_user(database, cents=100), new_user(database)
    refusal = close_wallet(database, SYSTEM, jane.id, "leaving")
    assert refusal == Refusal(RefusalCode.WALLET_NOT_EMPTY)
    assert isinstance(_send(database, jane, john.msisdn, 100), Posted)
    assert close_wallet(database, SYSTEM, jane.id, "leaving") is None
    assert unfreeze_wallet(database, SYSTEM, jane.id, "back") == Refusal(RefusalCode.ACCOUNT_CLOSED)
    refused = _send(database, john, jane.msisdn, 50)
    assert isinstance(refused, Refusal)
    assert refused.code is RefusalCode.RECIPIENT_UNKNOWN
    late = deposit(database, jane, 500)
    assert isinstance(late, Refusal)
    assert late.code is RefusalCode.ACCOUNT_CLOSED


# The PIN ------------------------------------------------------------------------------------


def _tries(database: Database, user: User, *pins: str) -> list[PinAccepted | Refusal]:
    context = Context.of_user(user.id, "ussd")
    return [check_pin(database, context, user.id, pin) for pin in pins]


def test_the_third_wrong_pin_locks_also_for_the_right_one_and_is_announced(
    database: Database,
) -> None:
    user = new_user(database)
    answers = _tries(database, user, "9999", "9998", "9997", PIN)
    assert answers[0] == Refusal(RefusalCode.PIN_WRONG, {"tries_left": 2})
    assert answers[1] == Refusal(RefusalCode.PIN_WRONG, {"tries_left": 1})
    assert [a.code for a in answers[2:] if isinstance(a, Refusal)] == [RefusalCode.PIN_LOCKED] * 2
    with database.transaction(SYSTEM) as connection:
        messages = connection.execute(
            "SELECT template, due_at FROM outbox WHERE user_id = %s ORDER BY id", (user.id,)
        ).fetchall()
    assert [m["template"] for m in messages] == ["welcome", "pin_locked", "pin_unlocked"]
    assert messages[2]["due_at"] > datetime.now(UTC) + timedelta(minutes=59)
    unlock_pin(database, SYSTEM, user.id, "identified by call")
    assert isinstance(_tries(database, user, PIN)[0], PinAccepted)
    with database.transaction(SYSTEM) as connection:
        told = connection.execute(
            "SELECT due_at <= now() AS now FROM outbox WHERE user_id = %s"
            " AND template = 'pin_unlocked'",
            (user.id,),
        ).fetchall()
    assert told == [{"now": True}]


def test_a_right_pin_clears_the_count(database: Database) -> None:
    user = new_user(database)
    answers = _tries(database, user, "9999", "9998", PIN, "9997", "9996", PIN)
    assert isinstance(answers[2], PinAccepted)
    assert isinstance(answers[5], PinAccepted)


def test_parallel_guesses_get_no_more_than_three_tries(database: Database) -> None:
    user = new_user(database)
    guesses = [f"{n:04d}" for n in range(9000, 9010)]
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda pin: _tries(database, user, pin)[0], guesses))
    wrong = [a for a in answers if isinstance(a, Refusal) and a.code is RefusalCode.PIN_WRONG]
    assert len(wrong) <= 2
    assert isinstance(_tries(database, user, PIN)[0], Refusal)


def test_a_pin_changes_only_with_the_old_one_and_never_to_a_weak_one(database: Database) -> None:
    user = new_user(database)
    context = Context.of_user(user.id, "ussd")
    assert change_pin(database, context, user.id, "9999", "9071") == Refusal(
        RefusalCode.PIN_WRONG, {"tries_left": 2}
    )
    weak = change_pin(database, context, user.id, PIN, "1234")
    assert isinstance(weak, Refusal)
    assert weak.code is RefusalCode.PIN_WEAK
    assert isinstance(change_pin(database, context, user.id, PIN, "9071"), PinAccepted)
    assert isinstance(_tries(database, user, "9071")[0], PinAccepted)


@pytest.mark.parametrize("table", ["users", "audit_log", "outbox"])
def test_no_pin_stands_in_the_database(database: Database, table: str) -> None:
    user = new_user(database)
    change_pin(database, Context.of_user(user.id, "ussd"), user.id, PIN, "9071")
    with database.connection() as connection:
        connection.execute("SELECT set_config('cycle.actor', 'system:test', false)")
        rows = connection.execute(f"SELECT {table}::text AS row FROM {table}").fetchall()
        connection.execute("RESET ALL")
    assert rows
    assert not any('"9071"' in row["row"] or ",9071," in row["row"] for row in rows)
