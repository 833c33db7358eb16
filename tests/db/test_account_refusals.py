"""Of two reasons against opening, closing or giving, the first of RefusalCode is given."""

from collections.abc import Iterator
from uuid import uuid4

import pytest

from ledger.commands import paybill
from ledger.commands.profiles import close_wallet, freeze_wallet
from ledger.commands.register import register
from ledger.commands.withdrawals import request_withdrawal
from ledger.core.context import Context
from ledger.core.payments import Payment
from ledger.core.people import NewUser, User
from ledger.db.engine import Database
from tests.db.people import PIN, SYSTEM, new_user
from tests.db.refusal_tables import are_in_order, cases, code_of
from tests.db.scene import Scene
from tests.limits import set_limit
from tests.msisdns import new_msisdn

# Each in order of precedence.
REGISTER = ("pin_weak", "already_registered")
CLOSE = ("account_frozen", "wallet_not_empty", "payment_pending")
ALLOCATE = (
    "payment_unknown",
    "recipient_unknown",
    "state_conflict",
    "account_frozen",
    "wallet_full",
)
APART = (
    {"payment_unknown", "state_conflict"},
    {"recipient_unknown", "account_frozen"},
    {"recipient_unknown", "wallet_full"},
)


@pytest.fixture(autouse=True)
def usual_wallet(own_database: Database) -> Iterator[None]:
    """Wallets with room, before each test and after it."""
    set_limit(own_database, "wallet", 1, 5_000, 5_000)
    yield
    set_limit(own_database, "wallet", 1, 5_000, 5_000)


@pytest.mark.parametrize("reasons", cases(REGISTER))
def test_registering(own_database: Database, reasons: tuple[str, ...]) -> None:
    known = new_user(own_database).msisdn
    msisdn = known if "already_registered" in reasons else new_msisdn()
    new = NewUser(msisdn, "Jane", "Wanjiru", "en", "1", "ussd")
    pin = "1234" if "pin_weak" in reasons else PIN
    assert code_of(register(own_database, SYSTEM, new, pin)) == reasons[0]


@pytest.mark.parametrize("reasons", cases(CLOSE))
def test_closing(own_database: Database, reasons: tuple[str, ...]) -> None:
    held = 20_000 if "payment_pending" in reasons else 0
    left = 500 if "wallet_not_empty" in reasons else 0
    user = new_user(own_database, cents=held + left)
    if held:
        hold(own_database, user, held)
    if "account_frozen" in reasons:
        assert freeze_wallet(own_database, SYSTEM, user.id, "test") is None
    assert code_of(close_wallet(own_database, SYSTEM, user.id, "test")) == reasons[0]


def hold(database: Database, user: User, cents: int) -> None:
    context = Context.of_user(user.id, "ussd")
    held = request_withdrawal(
        database, context, user.id, cents, source="ussd", reference=uuid4().hex
    )
    assert isinstance(held, Payment)


@pytest.mark.parametrize("reasons", cases(ALLOCATE, *APART))
def test_giving_money_from_suspense(own_database: Database, reasons: tuple[str, ...]) -> None:
    scene = Scene(own_database)
    payment_id = 10**12 if "payment_unknown" in reasons else scene.strange
    to = new_msisdn() if "recipient_unknown" in reasons else scene.john.msisdn
    if "state_conflict" in reasons:
        given = paybill.allocate(own_database, SYSTEM, scene.strange, scene.jane.msisdn)
        assert isinstance(given, Payment)
    if "account_frozen" in reasons:
        assert freeze_wallet(own_database, SYSTEM, scene.john.id, "test") is None
    if "wallet_full" in reasons:
        set_limit(own_database, "wallet", 1, 320, 320)
    assert code_of(paybill.allocate(own_database, SYSTEM, payment_id, to)) == reasons[0]


@pytest.mark.parametrize("reasons", [REGISTER, CLOSE, ALLOCATE])
def test_the_order_is_that_of_the_codes(reasons: tuple[str, ...]) -> None:
    assert are_in_order(reasons)
