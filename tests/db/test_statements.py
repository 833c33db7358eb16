"""Statements read from PostgreSQL: days, sums, other people's money, holds, the trial balance."""

import csv
import io
from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import psycopg
import pytest

from jobs.statement.csv_file import render_csv
from jobs.statement.words import describe, phrases
from ledger.commands.transfers import transfer
from ledger.core.chart import SystemAccount
from ledger.core.context import Context
from ledger.core.money import decimal_text
from ledger.core.people import User
from ledger.core.plans import Posted, new_receipt
from ledger.core.refusals import Refusal, RefusalCode
from ledger.core.rules import NAIROBI, nairobi_day
from ledger.core.statements import (
    CopiedStatement,
    Line,
    Period,
    Statement,
    StatementMismatchError,
    Summary,
)
from ledger.db.engine import Database
from ledger.queries.statements import (
    system_statement,
    trial_balance,
    wallet_copy,
    wallet_statement,
)
from tests.db.people import SYSTEM, deposit, new_user
from tests.quick_hashing import open_database
from tests.servers import Servers
from ussd_app.settings import Settings

TODAY = nairobi_day(datetime.now(UTC))


def read(
    database: Database, user: User, period: Period, context: Context | None = None
) -> tuple[Summary, list[Line]]:
    context = context or Context.of_user(user.id, "api")
    with wallet_statement(database, context, user.id, period) as statement:
        assert isinstance(statement, Statement)
        return statement.summary, list(statement.checked_lines())


def post_at(
    owner_url: str, user: User, moments: list[tuple[datetime, int]], *, wrong_by: int = 0
) -> None:
    """Deposit into an empty wallet at given times, as the owner of the tables could."""
    balance = 0
    with psycopg.connect(owner_url) as connection:
        for version, (moment, cents) in enumerate(moments, start=1):
            balance += cents
            row = connection.execute(
                "INSERT INTO transactions (kind, source, reference, receipt, request_digest, actor,"
                " channel) VALUES ('deposit', 'test', %s, %s, '', 'system:test', 'system')"
                " RETURNING id",
                (uuid4().hex, new_receipt()),
            ).fetchone()
            assert row is not None
            connection.execute(
                "INSERT INTO postings (account_id, posted_at, transaction_id, amount, direction,"
                " balance_after, account_version) VALUES (1, %(at)s, %(id)s, %(cents)s, 'D', NULL,"
                " NULL), (%(account)s, %(at)s, %(id)s, %(cents)s, 'C', %(balance)s, %(version)s)",
                {
                    "at": moment,
                    "id": row[0],
                    "cents": cents,
                    "account": user.wallet_account_id,
                    "balance": balance + wrong_by,
                    "version": version,
                },
            )
            connection.execute(
                "INSERT INTO balance_deltas VALUES (%s, 1, %s)",
                (row[0], cents),
            )
        connection.execute(
            "UPDATE accounts SET balance = %s, version = %s WHERE id = %s",
            (balance, len(moments), user.wallet_account_id),
        )


def test_days_are_nairobi_days_and_both_ends_are_in(
    database: Database, database_owner_url: str
) -> None:
    last_month = Period.of_month(TODAY.replace(day=1) - timedelta(days=1))
    first = datetime.combine(last_month.first_day, datetime.min.time(), NAIROBI)
    last = datetime.combine(last_month.last_day, datetime.min.time(), NAIROBI)
    last = last.replace(hour=23, minute=59)
    user = new_user(database)
    within = [(first + timedelta(minutes=6 * n), 100 + n) for n in range(119)]
    after = last + timedelta(minutes=1)
    post_at(database_owner_url, user, [*within, (last, 7), (after, 50)])
    summary, lines = read(database, user, last_month)
    assert (summary.opening, summary.lines) == (0, 120)
    assert summary.closing == sum(cents for _, cents in within) + 7
    assert summary.opening + summary.money_in - summary.money_out == summary.closing
    assert lines[0].at == first.replace(tzinfo=None)
    assert lines[-1].at == last.replace(tzinfo=None)
    day_before = last_month.first_day - timedelta(days=1)
    assert read(database, user, Period(day_before, day_before))[0].lines == 0
    this_month, later = read(database, user, Period.of_month(TODAY))
    assert this_month.opening == summary.closing
    assert [line.money_in for line in later] == [50]


def test_a_transfer_shows_names_fee_and_masked_number_on_both_sides(database: Database) -> None:
    sender = new_user(database, cents=10_000, first_name="Asha")
    recipient = new_user(database, first_name="Otieno")
    sent = transfer(
        database,
        Context.of_user(sender.id, "ussd"),
        sender.id,
        recipient.msisdn,
        2_500,
        source="test",
        reference=uuid4().hex,
    )
    assert isinstance(sent, Posted)
    period = Period(TODAY, TODAY)
    out = read(database, sender, period)[1][-1]
    into = read(database, recipient, period)[1][-1]
    assert (out.money_out, out.name, out.number) == (
        2_500 + out.fee,
        recipient.display_name,
        recipient.masked_msisdn,
    )
    assert (into.money_in, into.name, into.number) == (
        2_500,
        sender.display_name,
        sender.masked_msisdn,
    )
    assert out.receipt == into.receipt == sent.receipt


def test_nobody_reads_another_customers_statement(database: Database) -> None:
    user, stranger = new_user(database, cents=100), new_user(database)
    context = Context.of_user(stranger.id, "api")
    with wallet_statement(database, context, user.id, Period(TODAY, TODAY)) as answer:
        assert answer == Refusal(RefusalCode.NOT_REGISTERED)


def test_lines_posted_while_a_statement_is_read_are_not_in_it(database: Database) -> None:
    user = new_user(database, cents=100)
    context = Context.of_system("statements")
    period = Period(TODAY, TODAY)
    with (
        wallet_statement(database, context, user.id, period) as statement,
        wallet_copy(database, context, user.id, period, phrases("en")) as copied,
    ):
        assert isinstance(statement, Statement)
        assert isinstance(copied, CopiedStatement)
        assert isinstance(deposit(database, user, 900), Posted)
        out = io.BytesIO()
        render_csv(copied, out)
        assert len(list(statement.checked_lines())) == 1
    assert out.getvalue().count(b"\r\n") == 2
    assert read(database, user, Period(TODAY, TODAY))[0].closing == 1_000


@pytest.mark.parametrize("language", ["en", "sw"])
def test_csv_has_what_the_lines_have(database: Database, language: str) -> None:
    giver, taker = (new_user(database, cents=5_000_00, first_name=name) for name in ("Zoë", "Kip"))
    paid = transfer(
        database,
        Context.of_user(giver.id, "ussd"),
        giver.id,
        taker.msisdn,
        1_234_56,
        source="ussd",
        reference=uuid4().hex,
    )
    assert isinstance(paid, Posted)
    for user in (giver, taker):
        out = io.BytesIO()
        context = Context.of_user(user.id, "api")
        told = phrases(language)
        with wallet_copy(database, context, user.id, Period(TODAY, TODAY), told) as copied:
            assert isinstance(copied, CopiedStatement)
            render_csv(copied, out)
        rows = list(csv.DictReader(io.StringIO(out.getvalue().decode(), newline=""), strict=True))
        _, lines = read(database, user, Period(TODAY, TODAY))
        assert len(rows) == len(lines) == 2
        for row, line in zip(rows, lines, strict=True):
            assert (row["date"], row["time"]) == (str(line.at.date()), f"{line.at:%H:%M:%S}")
            assert (row["reference"], row["type"]) == (line.receipt, line.kind)
            assert row["description"] == describe(line, language)
            assert (row["counterparty"], row["counterparty_number"]) == (
                line.name or "",
                line.number or "",
            )
            amounts = [line.money_in, line.money_out, max(line.fee, 0), line.balance]
            assert list(row.values())[-4:] == [decimal_text(cents) for cents in amounts]


def test_float_statement_runs_from_opening_to_closing(database: Database) -> None:
    user = new_user(database)
    with system_statement(database, SYSTEM, SystemAccount.CASH, Period(TODAY, TODAY)) as before:
        held = before.summary.closing
    assert isinstance(deposit(database, user, 4_200), Posted)
    with system_statement(database, SYSTEM, SystemAccount.CASH, Period(TODAY, TODAY)) as after:
        lines = list(after.checked_lines())
        assert after.summary.closing == held + 4_200
        assert lines[-1].balance == held + 4_200
    yesterday = TODAY - timedelta(days=1)
    with system_statement(database, SYSTEM, SystemAccount.CASH, Period(yesterday, yesterday)) as s:
        assert s.summary.closing == after.summary.opening


def test_trial_balance_of_any_moment_balances(database: Database) -> None:
    user = new_user(database, cents=1_234)
    now = trial_balance(database, SYSTEM, datetime.now(UTC) + timedelta(minutes=1))
    assert now.debits == now.credits > 0
    assert isinstance(deposit(database, user, 766), Posted)
    later = trial_balance(database, SYSTEM, datetime.now(UTC) + timedelta(minutes=1))
    assert later.debits == now.debits + 766
    past = trial_balance(database, SYSTEM, Period(TODAY, TODAY).start - timedelta(days=4000))
    assert past.debits == past.credits == 0


def test_a_wrong_running_balance_is_not_given_out(servers: Servers, settings: Settings) -> None:
    """In a database of its own: statements of everybody must not meet this wallet."""
    url = servers.clone()
    database = open_database(settings, url)
    try:
        user = new_user(database)
        just_now = datetime.now(UTC) - timedelta(seconds=2)
        post_at(url, user, [(just_now, 500)], wrong_by=1)
        with pytest.raises(StatementMismatchError):
            read(database, user, Period(TODAY, TODAY))
    finally:
        database.close()
        servers.drop(url)


@pytest.mark.parametrize(
    ("first", "last", "problem"),
    [
        (date(2026, 2, 2), date(2026, 2, 1), "reversed"),
        (date(2027, 1, 1), date(2027, 1, 2), "future"),
        (date(1996, 1, 1), date(2026, 1, 1), "too_long"),
    ],
)
def test_impossible_periods_are_refused(first: date, last: date, problem: str) -> None:
    answer = Period.between(first, last, date(2026, 11, 1))
    assert isinstance(answer, Refusal)
    assert answer.code is RefusalCode.PERIOD_INVALID
    assert answer.details["problem"] == problem
