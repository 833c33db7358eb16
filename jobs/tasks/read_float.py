"""Ask hourly what M-Pesa holds for us, and take the answer."""

import re

import structlog

from jobs.clients.mpesa import account_balance, bodies
from jobs.clients.mpesa.account import DarajaAccount, ResultUrls
from jobs.clients.mpesa.credential import CredentialError
from jobs.clients.mpesa.outcomes import Outcome
from jobs.clients.mpesa.shillings import cents_of
from jobs.clients.mpesa.transport import Daraja
from jobs.queue import Task, ring
from jobs.services import JobServices
from ledger.commands import float_readings
from ledger.commands.float_readings import FloatAlarm
from ledger.core.float_balances import FloatBalances
from ledger.db.callbacks import Callback

_ACCOUNT = re.compile(r"([A-Za-z ]+ Account)\|KES\|(-?[0-9]+(?:\.[0-9]+)?)", re.ASCII)
_log = structlog.get_logger(__name__)


def run(services: JobServices) -> None:
    """Ask about each of our shortcodes that was not asked about in the last hour."""
    daraja = Daraja(DarajaAccount.of_settings(services.settings), services.redis)
    settings = services.settings
    for shortcode in sorted({settings.mpesa_shortcode, settings.mpesa_b2c_shortcode}):
        token = float_readings.due(services.database, shortcode)
        if token is None:
            continue
        try:
            answer = account_balance.ask(
                daraja, shortcode=shortcode, urls=ResultUrls.of_question(settings, token)
            )
        except CredentialError as error:
            float_readings.failed(services.database, token, str(error))
            continue
        if answer.outcome is Outcome.REFUSED:
            float_readings.failed(services.database, token, answer.code)


def take_answer(services: JobServices, callback: Callback) -> bool:
    """Keep the figures of one answer and sound the alarm when payouts may soon fail."""
    result = bodies.read_result(callback.body)
    text = None if result is None else result.parameter_text("AccountBalance")
    balances = None if text is None else read_balances(text)
    settings = services.settings
    alarm = FloatAlarm(
        settings.mpesa_b2c_shortcode, settings.mpesa_float_alarm * 100, settings.admin_emails
    )
    state = float_readings.record(services.database, callback.id, callback.token, balances, alarm)
    if state is not None:
        note = _log.error if state.is_low else _log.info
        note(
            "float_low" if state.is_low else "float_read",
            utility_cents=state.utility,
            ledger_cash_cents=state.ledger_cash,
        )
        if state.is_low:
            ring(services.redis, Task.SEND_EMAIL)
    return True


def read_balances(text: str) -> FloatBalances | None:
    """Read ``Working Account|KES|700000.00|...&Utility Account|...`` (Daraja 1.10).

    Older texts have a stray digit before each ``&``; accounts are found by name.
    """
    found = {name.strip(): cents_of(amount) for name, amount in _ACCOUNT.findall(text)}
    if "Utility Account" not in found and "Working Account" not in found:
        return None
    return FloatBalances(
        working=found.get("Working Account"),
        utility=found.get("Utility Account"),
        charges_paid=found.get("Charges Paid Account"),
    )
