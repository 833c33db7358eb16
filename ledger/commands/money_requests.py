"""Asking a member for money: the request, its payment by the payer's PIN, its decline."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from ledger.commands.transfers import transfer
from ledger.core.context import Context
from ledger.core.parties import Party
from ledger.core.plans import Message, Posted
from ledger.core.refusals import Refusal, RefusalCode, first
from ledger.db import audit, money_requests, outbox, users
from ledger.db.engine import Connection, Database
from ledger.db.money_requests import MoneyRequest
from ledger.db.rules_cache import current_rules

LIFETIME = timedelta(days=7)
REQUESTS_PER_DAY_MAX = 10
SOURCE = "money-request"


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as its payer sees it: who asks, number masked, and for how many cents."""

    id: int
    amount: int
    requester_name: str
    requester_msisdn_masked: str
    requester_msisdn: str


def ask(
    database: Database,
    context: Context,
    requester_id: int,
    payer_msisdn: str,
    amount: int,
    *,
    source: str,
    reference: str,
) -> Refusal | None:
    """Ask whoever owns a number for cents; they are told by SMS.

    None says nothing about whether the number is registered: a request to a stranger is
    dropped, and both look alike to the customer who asks.
    """
    now = datetime.now(UTC)
    rules = current_rules(database)

    def work(connection: Connection) -> Refusal | None:
        found = users.find_parties(connection, user_ids=[requester_id], msisdns=[payer_msisdn])
        requester = _party(found, requester_id)
        payer = found.get(payer_msisdn)
        refusal = first(
            (
                rules.refuse_amount("transfer", amount),
                Refusal(RefusalCode.RECIPIENT_IS_SENDER)
                if payer is not None and payer.user_id == requester_id
                else None,
                Refusal(RefusalCode.REQUESTS_TODAY, {"maximum_count": REQUESTS_PER_DAY_MAX})
                if _asked_today(connection, requester_id, now) >= REQUESTS_PER_DAY_MAX
                else None,
            )
        )
        if refusal is not None or payer is None or payer.status != "active":
            return refusal
        request_id = money_requests.insert(
            connection,
            requester_id=requester_id,
            payer_id=payer.user_id,
            amount=amount,
            expires_at=now + LIFETIME,
            source=source,
            reference=reference,
        )
        if request_id is not None:
            _tell(connection, payer, requester, "money_requested", amount)
            audit.record(
                connection,
                "money.requested",
                "money_request",
                request_id,
                new={"requester": requester_id, "payer": payer.user_id, "amount": amount},
            )
        return None

    # Row-level security keeps one customer from writing to another, so the system asks for both.
    return database.run(Context(actor="system:money-requests", channel=context.channel), work)


def _asked_today(connection: Connection, requester_id: int, now: datetime) -> int:
    return money_requests.count_since(connection, requester_id, now - timedelta(days=1))


def _party(found: dict[str, Party], user_id: int) -> Party:
    return next(party for party in found.values() if party.user_id == user_id)


def _tell(connection: Connection, reader: Party, other: Party, template: str, amount: int) -> None:
    outbox.put(
        connection,
        Message(
            user_id=reader.user_id,
            recipient=reader.msisdn,
            language=reader.language,
            template=template,
            params={
                "name": other.public["name"],
                "msisdn": other.public["msisdn"],
                "amount": amount,
            },
        ),
    )


def open_requests(database: Database, context: Context, payer_id: int) -> list[Asked]:
    """Return the requests that a customer may still answer, oldest first."""
    with database.transaction(context) as connection:
        waiting = money_requests.open_for(connection, payer_id, datetime.now(UTC))
        people = users.find_parties(
            connection, user_ids=[request.requester_id for request in waiting], msisdns=[]
        )
    by_id = {party.user_id: party for party in people.values()}
    return [_asked(request, by_id[request.requester_id]) for request in waiting]


def _asked(request: MoneyRequest, requester: Party) -> Asked:
    public = requester.public
    return Asked(request.id, request.amount, public["name"], public["msisdn"], requester.msisdn)


def pay(database: Database, context: Context, payer_id: int, request_id: int) -> Posted | Refusal:
    """Pay a request by a transfer; the PIN has been checked before.

    The transfer's key is the request's id, so a request is paid once however often it is tried.
    """
    with database.transaction(context) as connection:
        request = money_requests.get(connection, request_id)
        if request is None or request.payer_id != payer_id:
            return Refusal(RefusalCode.REQUEST_UNKNOWN)
        if request.state != "paid" and not request.is_open(datetime.now(UTC)):
            return Refusal(RefusalCode.REQUEST_CLOSED)
        found = users.find_parties(connection, user_ids=[request.requester_id], msisdns=[])
    requester = _party(found, request.requester_id)
    posted = transfer(
        database,
        context,
        payer_id,
        requester.msisdn,
        request.amount,
        source=SOURCE,
        reference=f"request:{request.id}",
    )
    if isinstance(posted, Refusal):
        return posted

    def work(connection: Connection) -> None:
        money_requests.settle(connection, request_id, "paid", posted.transaction_id)

    database.run(context, work)
    return posted


def decline(database: Database, context: Context, payer_id: int, request_id: int) -> Refusal | None:
    """Say no to a request; whoever asked is told by SMS."""

    def work(connection: Connection) -> Refusal | None:
        request = money_requests.take(connection, request_id)
        if request is None or request.payer_id != payer_id:
            return Refusal(RefusalCode.REQUEST_UNKNOWN)
        if not request.is_open(datetime.now(UTC)):
            return Refusal(RefusalCode.REQUEST_CLOSED)
        ids = [request.requester_id, payer_id]
        found = users.find_parties(connection, user_ids=ids, msisdns=[])
        money_requests.settle(connection, request_id, "declined", None)
        _tell(
            connection,
            _party(found, request.requester_id),
            _party(found, payer_id),
            "money_request_declined",
            request.amount,
        )
        audit.record(
            connection,
            "money_request.declined",
            "money_request",
            request_id,
            new={"payer": payer_id},
        )
        return None

    return database.run(Context(actor="system:money-requests", channel=context.channel), work)
