"""Money out to M-Pesa: amount, then the PIN as confirmation."""

from ussd_app.flow import inputs
from ussd_app.flow.model import Effect, End, Entry, PinEntry, Text

AMOUNT = Entry(
    name="withdraw_amount",
    text=Text(en="Withdraw to M-PESA. Enter amount", sw="Toa pesa kwenda M-PESA. Weka kiasi"),
    field="amount",
    parse=inputs.whole_amount,
    submit=Effect("quote_withdrawal", {"ok": "withdraw_pin"}),
    retry=("amount_invalid", "amount_too_small", "amount_too_large", "insufficient_funds"),
)

PIN = PinEntry(
    name="withdraw_pin",
    text=Text(
        en="Withdraw {amount} to your M-PESA. Fee {fee}. Total {total}. Enter PIN to confirm",
        sw="Toa {amount} kwenda M-PESA yako. Ada {fee}. Jumla {total}. Weka PIN kuthibitisha",
    ),
    submit=Effect("request_withdrawal", {"ok": "withdrawal_requested"}),
    retry=("pin_wrong",),
)

REQUESTED = End(
    name="withdrawal_requested",
    text=Text(
        en="Withdrawal of {amount} is on its way to M-PESA. You will get an SMS.",
        sw="{amount} inatumwa kwenda M-PESA yako. Utapokea SMS.",
    ),
)
