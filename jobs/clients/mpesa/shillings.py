"""Money at Daraja's edge: whole shillings out, anything that looks like a number in."""

from decimal import Decimal, InvalidOperation

_EXPONENT_MAX = 15


def whole_shillings(amount_cents: int) -> int:
    """Return cents as whole shillings; raises ValueError when they are not (Daraja 1.1)."""
    shillings, cents = divmod(amount_cents, 100)
    if cents or shillings < 1:
        raise ValueError("M-Pesa moves whole shillings from 1 up")
    return shillings


def cents_of(value: object) -> int | None:
    """Read an amount as Daraja writes it (10, 10.00, "300") into cents; None when it is none."""
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        return None
    try:
        amount = Decimal(value) if not isinstance(value, str) else Decimal(value.strip()[:40])
    except (InvalidOperation, ValueError):
        return None
    if not amount.is_finite() or (amount and abs(amount.adjusted()) > _EXPONENT_MAX):
        return None
    cents = amount * 100
    return int(cents) if cents == cents.to_integral_value() else None
