"""Daily limits on the Nairobi day, and what a stopped wallet can't do (A17)."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, tzinfo
from uuid import uuid4

import psycopg
import pytest

from ledger.commands import deposits, money_requests, paybill, profiles, withdrawals
from ledger.commands.transfers import quote, transfer
from ledger.core.context import Context
from ledger.core.people import User
from ledger.core.plans import Posted
from ledger.core.refusals import Refusal, RefusalCode
from ledger.db import rules
from ledger.db.engine import Database
from ledger.queries.wallets import balance, remaining_today
from tests.db.people import SYSTEM, deposit, new_user
from tests.db.scene import Scene
from tests.limits import set_limit

_DAILY = 50_000_000
# 22:30 in UTC is half past one of the next day in Nairobi.
_LATE = datetime(2026, 3, 1, 22, 30, tzinfo=UTC)
_DAY_UTC, _DAY = date(2026, 3, 1), date(2026, 3, 2)


class _LateEvening(datetime):
    @classmethod
    def now(cls, tz: tzinfo | None = None) -> "_LateEvening":
        return cls.fromtimestamp(_LATE.timestamp(), tz)


def _send(database: Database, payer: User, to: str, cents: int) -> Posted | Refusal:
    return transfer(
        database,
        Context.of_user(payer.id, "ussd"),
        payer.id,
        to,
        cents,
        source="ussd",
        reference=uuid4().hex,
    )


def _write(owner_url: str, statement: str, *values: object) -> None:
    with psycopg.connect(owner_url, autocommit=True) as owner:
        for table in ("daily_usage", "payments"):
            owner.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")  # type: ignore[arg-type]
        owner.execute(statement, values)  # type: ignore[arg-type]
        for table in ("daily_usage", "payments"):
            owner.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")  # type: ignore[arg-type]


def _use(owner_url: str, user: User, kind: str, day: date, cents: int) -> None:
    """Note what a customer has moved on a Nairobi day."""
    _write(
        owner_url,
        "INSERT INTO daily_usage (account_id, day, kind, amount) VALUES (%s, %s, %s, %s)"
        " ON CONFLICT (account_id, day, kind) DO UPDATE SET amount = excluded.amount",
        user.wallet_account_id,
        day,
        kind,
        cents,
    )


def _used(database: Database, user: User, kind: str, day: date) -> int:
    with database.transaction(SYSTEM) as connection:
        return rules.usage(connection, user.wallet_account_id, day).get(kind, 0)


def _code(answer: object) -> str:
    return answer.code.value if isinstance(answer, Refusal) else "ok"


def test_limits_hold_at_their_edges(fresh_database: Database) -> None:
    # A17: minimum 10, 100 at once, 150 a day.
    jane, john = new_user(fresh_database, cents=100_000), new_user(fresh_database)
    set_limit(fresh_database, "transfer", 10, 100, 150)
    answers = [_send(fresh_database, jane, john.msisdn, n * 100) for n in (9, 101, 100, 51, 50)]
    codes = [_code(answer) for answer in answers]
    assert codes == ["amount_too_small", "amount_too_large", "ok", "daily_limit", "ok"]
    left = remaining_today(fresh_database, SYSTEM, jane.id)
    assert not isinstance(left, Refusal)
    assert left.transfer == 0


def test_a_transfer_counts_on_the_day_of_nairobi(
    fresh_database: Database, fresh_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ledger.commands.transfers.datetime", _LateEvening)
    monkeypatch.setattr("ledger.queries.wallets.datetime", _LateEvening)
    jane, john = new_user(fresh_database, cents=100_000), new_user(fresh_database)
    for other_day in (_DAY_UTC, date(2026, 3, 3)):
        _use(fresh_database_url, jane, "transfer", other_day, _DAILY)
    assert isinstance(_send(fresh_database, jane, john.msisdn, 100), Posted)
    assert _used(fresh_database, jane, "transfer", _DAY) == 100
    _use(fresh_database_url, jane, "transfer", _DAY, _DAILY - 50)
    left = remaining_today(fresh_database, SYSTEM, jane.id)
    assert not isinstance(left, Refusal)
    assert left.transfer == 50
    refused = _send(fresh_database, jane, john.msisdn, 51)
    assert refused == Refusal(RefusalCode.DAILY_LIMIT, {"left": 50})


def test_a_withdrawal_counts_on_the_day_of_nairobi(
    fresh_database: Database, fresh_database_url: str
) -> None:
    scene = Scene(fresh_database)
    _write(
        fresh_database_url,
        "UPDATE payments SET created_at = %s WHERE id = %s",
        _LATE,
        scene.held.id,
    )
    for day in (_DAY_UTC, _DAY):
        _use(fresh_database_url, scene.jane, "withdrawal", day, 10_000)
    scene.release()
    assert _used(fresh_database, scene.jane, "withdrawal", _DAY_UTC) == 10_000
    assert _used(fresh_database, scene.jane, "withdrawal", _DAY) == 0


def test_concurrent_sends_do_not_slip_past_a_daily_limit(fresh_database: Database) -> None:
    jane, john = new_user(fresh_database, cents=100_000), new_user(fresh_database)
    set_limit(fresh_database, "transfer", 1, 100, 150)
    with ThreadPoolExecutor(8) as pool:
        answers = list(
            pool.map(lambda _: _send(fresh_database, jane, john.msisdn, 1_000), range(24))
        )
    assert sum(isinstance(answer, Posted) for answer in answers) == 15
    assert balance(fresh_database, SYSTEM, john.id) == 15_000


def test_a_stopped_wallet_is_refused_everywhere(database: Database) -> None:
    jane, john = new_user(database, cents=50_000), new_user(database, cents=50_000)
    of_jane, of_john = (Context.of_user(user.id, "ussd") for user in (jane, john))
    key = {"source": "ussd", "reference": uuid4().hex}
    asked = money_requests.ask(database, of_john, john.id, jane.msisdn, 1_000, **key)
    assert asked is None
    (request,) = money_requests.open_requests(database, of_jane, jane.id)
    profiles.freeze_wallet(database, SYSTEM, jane.id, "suspended")
    commands: dict[str, Callable[[], object]] = {
        "send": lambda: _send(database, jane, john.msisdn, 1_000),
        "quote": lambda: quote(database, of_jane, jane.id, john.msisdn, 1_000),
        "pay what is asked": lambda: money_requests.pay(database, of_jane, jane.id, request.id),
        "withdraw": lambda: withdrawals.request_withdrawal(
            database, of_jane, jane.id, 1_000, **key
        ),
        "quote a withdrawal": lambda: withdrawals.quote(database, of_jane, jane.id, 1_000),
        "deposit": lambda: deposits.request_deposit(database, of_jane, jane.id, 1_000, **key),
        "money that arrives": lambda: deposit(database, jane, 1_000),
        "paybill": lambda: paybill.refuse_paybill(database, jane.msisdn, 1_000),
        "be sent to": lambda: _send(database, john, jane.msisdn, 1_000),
    }
    codes = {name: _code(command()) for name, command in commands.items()}
    frozen = dict.fromkeys(commands, RefusalCode.ACCOUNT_FROZEN.value)
    assert codes == {**frozen, "be sent to": RefusalCode.RECIPIENT_CANNOT_RECEIVE.value}
    assert [balance(database, SYSTEM, user.id) for user in (jane, john)] == [50_000, 50_000]
    assert profiles.unfreeze_wallet(database, SYSTEM, jane.id, "identified") is None
    assert isinstance(_send(database, jane, john.msisdn, 1_000), Posted)
