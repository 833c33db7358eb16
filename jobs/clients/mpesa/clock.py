"""East Africa Time, in which Daraja writes and expects every compact time (Daraja 1.1).

The offset is fixed (UTC+3, no daylight saving), so the host's own zone never matters.
"""

from datetime import UTC, datetime, timedelta, timezone

EAT = timezone(timedelta(hours=3), "EAT")


def now_utc() -> datetime:
    """Return the present moment, aware, in UTC."""
    return datetime.now(UTC)


def compact(moment: datetime) -> str:
    """Write an aware moment as Daraja's 14 digits ``YYYYMMDDHHmmss`` in EAT."""
    return moment.astimezone(EAT).strftime("%Y%m%d%H%M%S")


def spaced(moment: datetime) -> str:
    """Write an aware moment as Pull Transactions does: ``YYYY-MM-DD HH:mm:ss`` in EAT."""
    return moment.astimezone(EAT).strftime("%Y-%m-%d %H:%M:%S")


def parse_compact(text: str) -> datetime | None:
    """Read 14 digits in EAT, or ``DD.MM.YYYY HH:mm:ss`` as payout results write it."""
    for shape in ("%Y%m%d%H%M%S", "%d.%m.%Y %H:%M:%S"):
        try:
            return datetime.strptime(text.strip(), shape).replace(tzinfo=EAT).astimezone(UTC)
        except (ValueError, OverflowError):
            continue
    return None
