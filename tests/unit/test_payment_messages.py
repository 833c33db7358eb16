"""Every message that a payment can queue has its text."""

import pytest

from jobs.texts.catalogue import templates
from ledger.core import daraja_codes

NAMED_IN_COMMANDS = (
    "deposit_received",
    "deposit_failed_busy",
    "deposit_expired",
    "deposit_pending",
    "deposit_reversed",
    "money_in_suspense",
    "withdrawal_completed",
    "withdrawal_pending",
    "withdrawal_requested",
)


@pytest.mark.parametrize("name", NAMED_IN_COMMANDS)
def test_messages_of_commands_have_texts(name: str) -> None:
    assert name in templates()


def test_every_result_code_leads_to_a_text() -> None:
    codes = [str(code) for code in range(10_000)] + ["SFC_IC0003", "R000001", "made up"]
    wanted = {daraja_codes.prompt_failure_template(code) for code in codes}
    wanted |= {daraja_codes.payout_failure(code).template for code in codes}
    assert wanted <= set(templates())
