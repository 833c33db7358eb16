"""Statements made of seeded random movements, for tests and benchmarks."""

import csv
import io
import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

from jobs.statement.pdf import Issue
from jobs.statement.words import phrases
from ledger.core.money import decimal_text
from ledger.core.organisation import (
    AuditSeal,
    EarlierMail,
    MailKind,
    OpenPayment,
    OrganisationReport,
    Undelivered,
    Volume,
)
from ledger.core.plans import RECEIPT_ALPHABET
from ledger.core.statements import (
    CopiedStatement,
    DaySum,
    Hold,
    Line,
    Period,
    Statement,
    Summary,
    TrialBalance,
    TrialBalanceRow,
)

_NAMES = (
    "Jane Wanjiku",
    "Peter Otieno Odhiambo",
    "Aisha Mohammed",
    "Zoë Ng'ang'a",
    "Maximilianus Nebuchadnezzar Wolfeschlegelsteinhausenbergerdorff-Kipkemboi Cheruiyot",
    "Kip",
)
FIRST_DAY = date(2026, 10, 1)
LAST_DAY = date(2026, 10, 31)


def random_lines(count: int, opening: int, period: Period, seed: int = 7) -> Iterator[Line]:
    """Yield lines in order of time whose balance never falls below zero."""
    chance = random.Random(seed)
    balance = opening
    start = datetime.combine(period.first_day, datetime.min.time())
    step = timedelta(days=period.days) / (count + 1)
    for number in range(count):
        at = start + step * (number + 1)
        receipt = "".join(chance.choices(RECEIPT_ALPHABET, k=10))
        name = chance.choice(_NAMES)
        masked = f"07{chance.randrange(10, 99)}***{chance.randrange(100, 999)}"
        if balance < 1_000_00 or chance.random() < 0.45:
            amount = chance.randrange(50_00, 20_000_00)
            balance += amount
            kind = chance.choice(("deposit", "transfer"))
            mpesa = "TKN" + "".join(chance.choices(RECEIPT_ALPHABET, k=7))
            party = (name, masked) if kind == "transfer" else ("M-Pesa", masked)
            yield Line(
                at, receipt, kind, amount, 0, balance, 0, *party,
                mpesa if kind == "deposit" else None, None,
            )  # fmt: skip
        else:
            fee = chance.choice((0, 0, 13_00))
            amount = chance.randrange(1, max(2, min(balance - fee, 15_000_00)))
            balance -= amount + fee
            kind = chance.choice(("transfer", "withdrawal_hold"))
            note = "Rent, October" if chance.random() < 0.1 else None
            yield Line(
                at, receipt, kind, 0, amount + fee, balance, fee, name, masked, None, note
            )  # fmt: skip


def statement_of(
    lines: list[Line],
    *,
    opening: int = 12_345_67,
    period: Period | None = None,
    name: str = "Wanjiru Kamau",
    language: str = "en",
    holds: tuple[Hold, ...] = (),
) -> Statement:
    """Return a wallet's statement whose summary fits its lines."""
    days: dict[date, list[int]] = {}
    for line in lines:
        found = days.setdefault(line.at.date(), [0, 0, 0, 0])
        found[0] += line.money_in
        found[1] += line.money_out
        found[2] += line.fee
        found[3] += 1
    summary = Summary(
        account_id=1000,
        account_code="USER_WALLET",
        number="W712345678",
        name=name,
        msisdn="+254712345678",
        language=language,
        period=period or Period(FIRST_DAY, LAST_DAY),
        opening=opening,
        closing=lines[-1].balance if lines else opening,
        days=tuple(DaySum(day, *sums) for day, sums in sorted(days.items())),
        holds=holds,
    )
    return Statement(summary, iter(lines))


def copied_of(lines: list[Line], *, running: bool = True) -> CopiedStatement:
    """Return a statement as PostgreSQL copies it; without balances where they don't run."""
    told = phrases("en")
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    rows = []
    for line in lines:
        phrase = told[f"{line.kind} {'in' if line.money_in else 'out'}"]
        cells = [line.at.isoformat(" "), line.receipt, line.kind]
        cells.append(phrase.replace("{name}", line.name or told["nobody"]))
        cells += [cell or "" for cell in line[7:]]
        amounts = [line.money_in, line.money_out, max(line.fee, 0), line.balance]
        cells += [decimal_text(cents) for cents in amounts]
        writer.writerow(cells if running else [*cells[:-1], ""])
        rows.append(text.getvalue()[:-2].encode() + b"\n")
        text.seek(text.truncate(0))
    return CopiedStatement(statement_of(lines).summary, rows)


def issue_of() -> Issue:
    """Return how a test's file is identified."""
    return Issue(
        reference="7KQ2MRX9TB",
        verify_url="https://cycle.example/verify/7KQ2MRX9TB",
        issued_at=datetime(2026, 11, 1, 6, 30, tzinfo=UTC),
    )


def report_of(kind: MailKind = MailKind.DAY, *, busy: bool = True) -> OrganisationReport:
    """Return an organisation's report, on a busy day or on an empty one."""
    period = Period.of_month(FIRST_DAY) if kind is MailKind.MONTH else Period(LAST_DAY, LAST_DAY)
    rows = (
        TrialBalanceRow("CASH", "M-Pesa float", 98_765_432_10, 0),
        TrialBalanceRow("PENDING_WITHDRAWALS", "Withdrawals without a verdict", 0, 12_500_00),
        TrialBalanceRow("SUSPENSE", "Money held that is not yet attributed", 0, 3_400_00),
        TrialBalanceRow("REVENUE_FEES", "Fees earned", 0, 88_120_50),
        TrialBalanceRow("EXPENSE_MPESA_CHARGES", "M-Pesa charges paid", 41_200_00, 0),
        TrialBalanceRow("WALLETS", "Customers' and groups' wallets", 0, 98_702_611_60),
    )
    waiting = tuple(
        OpenPayment(
            n, "withdrawal", "unknown", "0712***678", 1_250_00 * n,
            datetime.combine(LAST_DAY, datetime.min.time()), "no answer from M-Pesa",
        )
        for n in range(1, 8)
    )  # fmt: skip
    return OrganisationReport(
        kind=kind,
        period=period,
        trial_balance=TrialBalance(period.last_day, rows if busy else ()),
        volumes=(
            Volume("transfer", 1_204, 4_321_098_00),
            Volume("deposit", 640, 2_987_600_00),
            Volume("withdrawal_settlement", 311, 1_204_000_00),
        )
        if busy
        else (),
        days=tuple(
            Volume((FIRST_DAY + timedelta(days=n)).isoformat(), 40 + n, 100_000_00 * (n % 7 + 1))
            for n in range(period.days)
        )
        if busy
        else (),
        new_customers=12,
        customers=4_321,
        active_customers=998,
        failed=(Volume("deposit failed 1032", 40, 55_000_00),) if busy else (),
        pending=waiting if busy else (),
        pending_count=31 if busy else 0,
        suspense=waiting[:2] if busy else (),
        suspense_count=2 if busy else 0,
        undelivered=(Undelivered("sms", "transfer_received", "failed", 3),) if busy else (),
        earlier_mails=(EarlierMail("day", FIRST_DAY, "unknown", "connection lost"),)
        if busy
        else (),
        reconciliation=("Reconciliation of 30 Oct 2026: complete, 0 items.",) if busy else (),
        findings=("balances: accounts 1003: 500 is not 400",) if busy else (),
        seal=AuditSeal(4_711, datetime(2026, 10, 31, 3, 30, tzinfo=UTC), "5ea1" * 16)
        if busy
        else None,
    )
