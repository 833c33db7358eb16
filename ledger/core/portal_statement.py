"""The CSV that a person exports from the M-Pesa organisation portal, read row by row.

Above the table stand lines about the account; the columns are found by their names, because
their order and number differ between exports. Amounts of money that left are negative.
"""

import csv
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation

from ledger.core.rules import NAIROBI

_TIMES = ("%d-%m-%Y %H:%M:%S", "%Y-%m-%d %H:%M:%S", "%d/%m/%Y %H:%M:%S", "%d-%m-%Y %H:%M")
_REQUIRED = ("receipt no.", "completion time", "transaction status", "paid in", "withdrawn")
_DIGITS_MAX = 15


class StatementError(ValueError):
    """The file is not a portal statement; the text names the line and what is wrong."""


@dataclass(frozen=True, slots=True)
class StatementRow:
    """One completed movement. ``amount`` is cents, above zero when it came in."""

    receipt: str
    completed_at: datetime
    amount: int
    balance: int | None
    is_charge: bool
    reverses: str | None
    account_reference: str | None
    party: str | None


def read_rows(lines: Iterable[str]) -> Iterator[StatementRow]:
    """Yield the completed rows of a statement as they stand. Raises StatementError."""
    reader = csv.reader(lines)
    names: list[str] = []
    try:
        for cells in reader:
            if not names:
                lowered = [cell.strip().lower().lstrip("\ufeff") for cell in cells]
                if all(name in lowered for name in _REQUIRED):
                    names = lowered
                continue
            if not any(cell.strip() for cell in cells):
                continue
            row = _row(dict(zip(names, (cell.strip() for cell in cells), strict=False)))
            if row is not None:
                yield row
    except (csv.Error, ValueError) as error:
        raise StatementError(f"line {reader.line_num}: {error}") from None
    if not names:
        raise StatementError("no line names the columns Receipt No., Completion Time, Paid In")


def _row(cells: Mapping[str, str]) -> StatementRow | None:
    if cells.get("transaction status", "").lower() != "completed":
        return None
    paid_in, withdrawn = _cents(cells.get("paid in", "")), _cents(cells.get("withdrawn", ""))
    amount = (paid_in or 0) - abs(withdrawn or 0)
    if amount == 0:
        return None
    receipt = cells["receipt no."]
    if not receipt.isalnum() or len(receipt) > 20:
        raise ValueError("the receipt is none")
    reason = cells.get("reason type", "") or cells.get("details", "")
    linked = cells.get("linked transaction id", "")
    return StatementRow(
        receipt=receipt,
        completed_at=_moment(cells["completion time"]),
        amount=amount,
        balance=_cents(cells.get("balance", "")),
        is_charge="charge" in reason.lower(),
        reverses=linked if linked and "revers" in reason.lower() else None,
        account_reference=cells.get("a/c no.", "")[:40] or None,
        party=None,
    )


def _cents(text: str) -> int | None:
    plain = text.replace(",", "").strip()
    if not plain:
        return None
    if len(plain) > _DIGITS_MAX:
        raise ValueError("an amount is too long")
    try:
        cents = Decimal(plain) * 100
        if not cents.is_finite() or cents != cents.to_integral_value():
            raise ValueError("an amount has more than two places")
    except InvalidOperation:
        raise ValueError("an amount is none") from None
    return int(cents)


def _moment(text: str) -> datetime:
    for form in _TIMES:
        try:
            return datetime.strptime(text, form).replace(tzinfo=NAIROBI).astimezone(UTC)
        except ValueError:
            continue
    raise ValueError("the completion time is none")
