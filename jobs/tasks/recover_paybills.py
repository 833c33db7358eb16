"""Find payments whose confirmation never came: Daraja promises no retry, but keeps a list."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog

from jobs.clients.mpesa import evidence, pull
from jobs.clients.mpesa.account import DarajaAccount
from jobs.clients.mpesa.transport import Daraja
from jobs.services import JobServices
from ledger.commands import paybill

# The zone of Pull's times is unproven (Daraja 1.13), so each side gets three hours more.
_BEFORE = timedelta(hours=6)
_AFTER = timedelta(hours=3)
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Recovered:
    """What one look at the list gave. ``complete`` is False when the list proved nothing."""

    booked: int
    complete: bool


def run(services: JobServices) -> None:
    """Book what M-Pesa lists and we lack."""
    recover(services)


def recover(services: JobServices) -> Recovered:
    """Read M-Pesa's list of the last hours and book each receipt that we have never seen."""
    daraja = Daraja(DarajaAccount.of_settings(services.settings), services.redis)
    now = datetime.now(UTC)
    window = pull.pull_window(daraja, now - _BEFORE, now + _AFTER)
    listed = {row.receipt: row for row in window.transactions if (row.amount_cents or 0) > 0}
    booked = 0
    for receipt in sorted(paybill.unknown_receipts(services.database, list(listed))):
        row = listed[receipt]
        assert row.amount_cents is not None
        applied = paybill.recover(
            services.database, evidence.of_pulled_paybill(row, row.amount_cents)
        )
        booked += 1
        _log.warning(
            "paybill_recovered", payment_id=applied.payment_id, reason=applied.decision.reason
        )
    return Recovered(booked, window.proven)
