"""Money in: an amount, then a prompt from M-Pesa after the session."""

from ussd_app.flow import inputs
from ussd_app.flow.model import Effect, End, Entry, Text

AMOUNT = Entry(
    name="deposit_amount",
    text=Text(en="Deposit from M-PESA. Enter amount", sw="Weka pesa kutoka M-PESA. Weka kiasi"),
    field="amount",
    parse=inputs.whole_amount,
    submit=Effect("request_prompt", {"ok": "deposit_requested"}),
    retry=("amount_invalid", "amount_too_small", "amount_too_large", "wallet_full"),
)

REQUESTED = End(
    name="deposit_requested",
    text=Text(
        en="Wait for the M-PESA request for {amount} and enter your M-PESA PIN. "
        "You will get an SMS.",
        sw="Subiri ombi la M-PESA la {amount} kisha weka PIN yako ya M-PESA. Utapokea SMS.",
    ),
)
