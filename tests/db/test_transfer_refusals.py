"""A key that was posted comes before all refusals, and of two refusals the first is given."""

from collections.abc import Iterator
from uuid import uuid4

import pytest

from ledger.commands.pins import give_start_pin
from ledger.commands.profiles import close_wallet, freeze_wallet
from ledger.commands.transfers import transfer
from ledger.core.context import Context
from ledger.core.people import User
from ledger.core.plans import Posted
from ledger.core.refusals import Refusal, RefusalCode
from ledger.db.engine import Database
from tests.db.people import SYSTEM, new_user
from tests.db.refusal_tables import are_in_order, cases, code_of
from tests.limits import set_limit
from tests.msisdns import new_msisdn

# In order of precedence. Amounts are cents.
REASONS = (
    "user_closed",
    "recipient_unknown",
    "recipient_is_sender",
    "pin_must_change",
    "account_frozen",
    "recipient_cannot_receive",
    "amount_invalid",
    "amount_too_small",
    "amount_too_large",
    "insufficient_funds",
    "daily_limit",
)
RECIPIENTS = {"recipient_unknown", "recipient_is_sender", "recipient_cannot_receive"}
AMOUNTS = {
    "amount_invalid": 0,
    "amount_too_small": 99,
    "insufficient_funds": 60_000,
    "amount_too_large": 70_000,
}
USUAL = (1, 650, 650)  # shillings
CASES = cases(
    REASONS,
    RECIPIENTS,
    {"amount_invalid", "amount_too_small", "amount_too_large", "insufficient_funds"},
    {"user_closed", "account_frozen"},  # a closed wallet can't be frozen as well
)


@pytest.fixture(autouse=True)
def usual_limit(own_database: Database) -> Iterator[None]:
    """The rules of the module's database before each test."""
    set_limit(own_database, "transfer", *USUAL)
    yield
    set_limit(own_database, "transfer", *USUAL)


def send(
    database: Database, payer: User, to: str, cents: int, reference: str = ""
) -> Posted | Refusal:
    context = Context.of_user(payer.id, "ussd")
    return transfer(
        database, context, payer.id, to, cents, source="ussd", reference=reference or uuid4().hex
    )


def send_with(database: Database, reasons: tuple[str, ...]) -> Posted | Refusal:
    """Ask for a transfer of 1,000 against which each of the reasons speaks."""
    spent_today = 64_500 if "daily_limit" in reasons else 0
    left = 0 if "user_closed" in reasons else 50_000
    jane, john = new_user(database, cents=left + spent_today), new_user(database)
    if spent_today:
        assert isinstance(send(database, jane, john.msisdn, spent_today), Posted)
    to, cents = john.msisdn, 1_000
    for reason in reasons:
        cents = AMOUNTS.get(reason, cents)
    if "recipient_unknown" in reasons:
        to = new_msisdn()
    if "recipient_is_sender" in reasons:
        to = jane.msisdn
    if "recipient_cannot_receive" in reasons:
        freeze_wallet(database, SYSTEM, john.id, "test")
    if "pin_must_change" in reasons:
        give_start_pin(database, SYSTEM, jane.id, "9071")
    if "account_frozen" in reasons:
        freeze_wallet(database, SYSTEM, jane.id, "test")
    if "user_closed" in reasons:
        close_wallet(database, SYSTEM, jane.id, "test")
    return send(database, jane, to, cents)


def test_without_any_reason_the_money_is_sent(own_database: Database) -> None:
    assert isinstance(send_with(own_database, ()), Posted)


@pytest.mark.parametrize("reasons", CASES)
def test_the_first_reason_is_given(own_database: Database, reasons: tuple[str, ...]) -> None:
    assert code_of(send_with(own_database, reasons)) == reasons[0]


def test_the_order_is_that_of_the_codes() -> None:
    assert are_in_order(REASONS)


@pytest.mark.parametrize(
    "since",
    [
        "money_spent",
        "sender_frozen",
        "sender_must_change_pin",
        "sender_closed",
        "recipient_frozen",
        "recipient_closed",
        "minimum_raised",
        "maximum_lowered",
    ],
)
def test_a_posted_key_keeps_its_answer_whatever_happened_since(
    own_database: Database, since: str
) -> None:
    jane, john = new_user(own_database, cents=1_000), new_user(own_database)
    other = new_user(own_database)
    reference = uuid4().hex
    first = send(own_database, jane, john.msisdn, 1_000, reference)
    assert isinstance(first, Posted)
    if since == "sender_frozen":
        freeze_wallet(own_database, SYSTEM, jane.id, "test")
    if since == "sender_must_change_pin":
        give_start_pin(own_database, SYSTEM, jane.id, "9071")
    if since == "sender_closed":
        close_wallet(own_database, SYSTEM, jane.id, "test")
    if since == "recipient_frozen":
        freeze_wallet(own_database, SYSTEM, john.id, "test")
    if since == "recipient_closed":
        assert isinstance(send(own_database, john, other.msisdn, 1_000), Posted)
        close_wallet(own_database, SYSTEM, john.id, "test")
    if since == "minimum_raised":
        set_limit(own_database, "transfer", 20, 650, 650)
    if since == "maximum_lowered":
        set_limit(own_database, "transfer", 1, 9, 650)
    again = send(own_database, jane, john.msisdn, 1_000, reference)
    assert isinstance(again, Posted)
    assert again.replayed
    assert (again.transaction_id, again.receipt, again.posted_at, again.balances) == (
        first.transaction_id,
        first.receipt,
        first.posted_at,
        first.balances,
    )


@pytest.mark.parametrize(
    ("to", "cents", "field"),
    [("john", 0, "amount"), ("jane", 1_000, "recipient"), ("nobody", 1_000, "recipient")],
)
def test_another_request_under_a_posted_key_names_what_differs_first(
    own_database: Database, to: str, cents: int, field: str
) -> None:
    jane, john = new_user(own_database, cents=5_000), new_user(own_database)
    reference = uuid4().hex
    assert isinstance(send(own_database, jane, john.msisdn, 1_000, reference), Posted)
    msisdn = {"john": john.msisdn, "jane": jane.msisdn}.get(to) or new_msisdn()
    assert send(own_database, jane, msisdn, cents, reference) == Refusal(
        RefusalCode.KEY_REUSED, {"field": field}
    )
