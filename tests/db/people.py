"""Builders: customers with money, and plans that post it."""

from uuid import uuid4

from ledger.commands.register import register
from ledger.core.chart import Kind, SystemAccount
from ledger.core.context import Context
from ledger.core.people import NewUser, User
from ledger.core.plans import Plan, Posted, moving
from ledger.core.refusals import Refusal
from ledger.db import kernel
from ledger.db.engine import Database
from tests.msisdns import new_msisdn

SYSTEM = Context.of_system("test")
PIN = "4826"


def new_user(database: Database, *, cents: int = 0, language: str = "en", **names: str) -> User:
    """Register a customer and fund the wallet by a deposit."""
    new = NewUser(
        msisdn=new_msisdn(),
        first_name=names.get("first_name", "Jane"),
        last_name=names.get("last_name", "Wanjiru"),
        language=language,
        consent_version="1",
        channel="ussd",
    )
    user = register(database, SYSTEM, new, PIN)
    assert isinstance(user, User), user
    if cents:
        assert isinstance(deposit(database, user, cents), Posted)
    return user


def deposit(database: Database, user: User, cents: int, **changes: object) -> Posted | Refusal:
    """Credit a wallet against CASH."""
    return post(database, deposit_plan(user.wallet_account_id, cents, **changes))


def deposit_plan(account_id: int, cents: int, **changes: object) -> Plan:
    """A deposit to a wallet under a key of its own."""
    values: dict[str, object] = {
        "kind": Kind.DEPOSIT,
        "source": "test",
        "reference": uuid4().hex,
        "debits": moving(cents, debit=SystemAccount.CASH, credit=account_id),
        "request": {"amount": cents, "account": account_id},
        **changes,
    }
    return Plan(**values)  # type: ignore[arg-type]


def post(database: Database, plan: Plan) -> Posted | Refusal:
    """Post a plan as a transaction of its own."""
    return database.call(lambda connection: kernel.post(connection, SYSTEM, plan))
