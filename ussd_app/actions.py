"""The only bridge from the journeys to ledger and queue: one function per effect.

Each takes a Call and returns Done, with values for the screens, or the ledger's Refusal. Money is
keyed by session and position, so a hop that runs twice moves nothing twice.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from jobs.queue import Task, ring
from jobs.services import JobServices
from ledger.commands import invitations, pins, profiles, transfers
from ledger.commands.deposits import request_deposit
from ledger.commands.register import register
from ledger.core.context import Context
from ledger.core.people import NewUser, User
from ledger.core.pins import pin_problem
from ledger.core.refusals import Refusal, RefusalCode
from ledger.db.history import Entry
from ledger.queries import users, wallets
from ussd_app.flow.machine import Done, Pin
from ussd_app.services import Services

SOURCE = "ussd"
CONSENT_VERSION = "2026-11"
STK_DELAY_SECONDS = 3.0
"""A handset can't show M-Pesa's prompt while its USSD session is open (facts 1.9)."""

_LOBBY = Context(actor="system:ussd", channel="ussd")


@dataclass(frozen=True, slots=True)
class Call:
    """One effect to perform: for whom, with which values, in which hop."""

    services: Services | JobServices
    msisdn: str
    reference: str
    values: Mapping[str, Any]
    language: str
    pin: Pin | None = None
    channel: str = SOURCE

    @property
    def user_id(self) -> int:
        """Return the customer's id; only effects behind identification ask for it."""
        user_id: int = self.values["user_id"]
        return user_id

    @property
    def context(self) -> Context:
        """Return the context of the customer who acts."""
        return Context.of_user(self.user_id, self.channel)

    def digits(self) -> str:
        """Return the PIN that was typed."""
        assert self.pin is not None
        return self.pin.reveal()


Action = Callable[[Call], Done | Refusal]
_ACTIONS: dict[str, Action] = {}


def action(function: Action) -> Action:
    """Register an effect under its function's name."""
    _ACTIONS[function.__name__] = function
    return function


def names() -> frozenset[str]:
    """Return the effects that can be performed, for the static check."""
    return frozenset(_ACTIONS)


def perform(name: str, call: Call) -> Done | Refusal:
    """Perform one effect."""
    answer = _ACTIONS[name](call)
    if isinstance(answer, Refusal):
        return Refusal(answer.code, {"support": _support(call), **answer.details})
    return answer


def _support(call: Call) -> str:
    return call.services.settings.support_number


def _checked(call: Call) -> Refusal | None:
    answer = pins.check_pin(call.services.database, call.context, call.user_id, call.digits())
    return answer if isinstance(answer, Refusal) else None


# Who is dialling ----------------------------------------------------------------------------


@action
def identify(call: Call) -> Done | Refusal:
    """Find the customer behind the number."""
    user = users.find(call.services.database, call.msisdn)
    if user is None:
        return Done(outcome="stranger")
    if user.status != "active":
        return Done({"language": user.language, "support": _support(call)}, "closed")
    known = {"language": user.language, "user_id": user.id, "first_name": user.first_name}
    return Done(known, "start_pin" if user.pin_must_change else "customer")


@action
def choose_pin(call: Call) -> Done | Refusal:
    """Judge a new PIN and keep its slow hash until it is typed again."""
    problem = pin_problem(call.digits(), call.msisdn)
    if problem is not None:
        return Refusal(RefusalCode.PIN_WEAK, {"problem": problem})
    return Done({"pin_hash": call.services.database.pin_hasher.hash(call.digits())}, "ok")


def _is_repeated(call: Call) -> bool:
    return call.services.database.pin_hasher.matches(call.values["pin_hash"], call.digits())


@action
def join(call: Call) -> Done | Refusal:
    """Register the customer with the PIN typed twice."""
    if not _is_repeated(call):
        return Done(outcome="differs")
    new = NewUser(
        msisdn=call.msisdn,
        first_name=call.values["first_name"],
        last_name=call.values["last_name"],
        language=call.language,
        consent_version=CONSENT_VERSION,
        channel=call.channel,
    )
    answer = register(call.services.database, _LOBBY, new, call.digits())
    if isinstance(answer, User):
        ring(call.services.redis, Task.SEND_SMS)
        return Done({"user_id": answer.id}, "ok")
    return answer


# Money --------------------------------------------------------------------------------------


@action
def request_prompt(call: Call) -> Done | Refusal:
    """Promise an M-Pesa prompt; a worker sends it after the session."""
    answer = request_deposit(
        call.services.database,
        call.context,
        call.user_id,
        call.values["amount"],
        source=call.channel,
        reference=call.reference,
    )
    if isinstance(answer, Refusal):
        return answer
    ring(call.services.redis, Task.SUBMIT_PAYMENTS, delay_seconds=STK_DELAY_SECONDS)
    return Done(outcome="ok")


@action
def quote_transfer(call: Call) -> Done | Refusal:
    """Show whom the money would reach and what it costs."""
    answer = transfers.quote(
        call.services.database,
        call.context,
        call.user_id,
        call.values["number"],
        call.values["amount"],
    )
    if isinstance(answer, Refusal):
        return Done(outcome="unknown") if answer.code is RefusalCode.RECIPIENT_UNKNOWN else answer
    return Done(
        {
            "name": answer.recipient_name,
            "masked": answer.recipient_msisdn_masked,
            "fee": answer.fee,
            "total": answer.total,
        },
        "ok",
    )


@action
def transfer(call: Call) -> Done | Refusal:
    """Move money to a member once the PIN is right."""
    refusal = _checked(call)
    if refusal is not None:
        return refusal
    answer = transfers.transfer(
        call.services.database,
        call.context,
        call.user_id,
        call.values["number"],
        call.values["amount"],
        source=call.channel,
        reference=call.reference,
    )
    if isinstance(answer, Refusal):
        return answer
    ring(call.services.redis, Task.SEND_SMS)
    wallet = users.get(call.services.database, call.context, call.user_id)
    assert wallet is not None
    balance = answer.balances[wallet.wallet_account_id]
    return Done({"receipt": answer.receipt, "balance": balance}, "ok")


@action
def invite(call: Call) -> Done | Refusal:
    """Ask somebody to join, by SMS."""
    invitations.invite(call.services.database, call.context, call.user_id, call.values["number"])
    ring(call.services.redis, Task.SEND_SMS)
    return Done()


@action
def show_balance(call: Call) -> Done | Refusal:
    """Read the balance once the PIN is right."""
    refusal = _checked(call)
    if refusal is not None:
        return refusal
    cents = wallets.balance(call.services.database, call.context, call.user_id)
    return cents if isinstance(cents, Refusal) else Done({"balance": cents}, "ok")


@action
def load_recent(call: Call) -> Done | Refusal:
    """Read the last five movements once the PIN is right."""
    refusal = _checked(call)
    if refusal is not None:
        return refusal
    entries = wallets.recent_entries(call.services.database, call.context, call.user_id)
    return Done({"items": [_line(entry) for entry in entries]}, "ok")


def _line(entry: Entry) -> dict[str, Any]:
    other = entry.counterparty
    return {
        "day": entry.posted_at.isoformat(),
        "sign": "+" if entry.is_money_in else "-",
        "amount": entry.amount,
        "name": other["name"] if other else "M-PESA",
    }


# My account ---------------------------------------------------------------------------------


@action
def check_old_pin(call: Call) -> Done | Refusal:
    """Check the present PIN before a new one may be chosen."""
    refusal = _checked(call)
    return refusal or Done({"pin_proved_at": datetime.now(UTC).isoformat()}, "ok")


@action
def change_pin(call: Call) -> Done | Refusal:
    """Store the new PIN, typed twice after the old one was proved in this session."""
    if "pin_proved_at" not in call.values or not _is_repeated(call):
        return Done(outcome="differs")
    answer = pins.choose_pin(call.services.database, call.context, call.user_id, call.digits())
    if isinstance(answer, Refusal):
        return answer
    ring(call.services.redis, Task.SEND_SMS)
    return Done(outcome="ok")


@action
def set_language(call: Call) -> Done | Refusal:
    """Keep the language that was chosen."""
    profiles.set_language(call.services.database, call.context, call.user_id, call.language)
    return Done(outcome="ok")


@action
def load_limits(call: Call) -> Done | Refusal:
    """Read what today's limits leave."""
    left = wallets.remaining_today(call.services.database, call.context, call.user_id)
    if isinstance(left, Refusal):
        return left
    return Done({"transfer_left": left.transfer, "withdrawal_left": left.withdrawal})


@action
def load_help(call: Call) -> Done | Refusal:
    """Name the support number."""
    return Done({"support": _support(call)})
