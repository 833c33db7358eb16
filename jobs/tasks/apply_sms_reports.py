"""Move messages along by their delivery reports: delivered, failed, refused by the customer."""

import structlog

from jobs.services import JobServices
from ledger.core.context import Context
from ledger.db import audit, outbox_sending, sms_reports

_CONTEXT = Context.of_system("sms-reports")
_log = structlog.get_logger(__name__)


def run(services: JobServices) -> None:
    """Apply every report whose message is known; the others wait for it up to a day."""
    while True:
        with services.database.transaction(_CONTEXT) as connection:
            applied = sms_reports.apply_waiting(connection)
            for msisdn in applied.opted_out:
                user_id = outbox_sending.mark_opted_out(connection, msisdn)
                if user_id is not None:
                    audit.record(connection, "sms.opted_out", "user", user_id)
        if applied.reports == 0:
            break
    with services.database.transaction(_CONTEXT) as connection:
        unmatched = sms_reports.close_unmatched(connection)
    if unmatched:
        _log.warning("sms_reports_unmatched", reports_count=unmatched)
