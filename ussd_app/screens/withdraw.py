"""Money out to M-Pesa, the own or (where open) another number's; the PIN is the confirmation."""

from ussd_app.flow import inputs
from ussd_app.flow.model import Effect, End, Entry, Menu, Option, PinEntry, Text

_REFUSED_AMOUNTS = ("amount_invalid", "amount_too_small", "amount_too_large", "insufficient_funds")

WHERE = Menu(
    name="withdraw",
    text=Text(en="Withdraw to M-PESA of", sw="Toa pesa kwenda M-PESA ya"),
    enter=Effect("choose_payout", {"own_only": "withdraw_amount"}),
    options=(
        Option(Text(en="My number", sw="Nambari yangu"), "withdraw_amount"),
        Option(Text(en="Another number", sw="Nambari nyingine"), "withdraw_to"),
    ),
)

TO = Entry(
    name="withdraw_to",
    text=Text(
        en="Withdraw to M-PESA of. Enter phone number",
        sw="Toa pesa kwenda M-PESA ya. Weka nambari ya simu",
    ),
    field="number",
    parse=inputs.phone,
    target="withdraw_to_amount",
)

TO_AMOUNT = Entry(
    name="withdraw_to_amount",
    text=Text(en="Withdraw to {number}. Enter amount", sw="Toa pesa kwenda {number}. Weka kiasi"),
    field="amount",
    parse=inputs.whole_amount,
    submit=Effect("quote_withdrawal_to", {"ok": "withdraw_to_pin"}),
    retry=_REFUSED_AMOUNTS,
)

TO_PIN = PinEntry(
    name="withdraw_to_pin",
    text=Text(
        en="Withdraw {amount} to M-PESA {number}. Fee {fee}. Total {total}. Enter PIN to confirm",
        sw="Toa {amount} kwa M-PESA {number}. Ada {fee}. Jumla {total}. Weka PIN kuthibitisha",
    ),
    submit=Effect("request_withdrawal_to", {"ok": "withdrawal_requested"}),
    retry=("pin_wrong",),
)

AMOUNT = Entry(
    name="withdraw_amount",
    text=Text(en="Withdraw to M-PESA. Enter amount", sw="Toa pesa kwenda M-PESA. Weka kiasi"),
    field="amount",
    parse=inputs.whole_amount,
    submit=Effect("quote_withdrawal", {"ok": "withdraw_pin"}),
    retry=_REFUSED_AMOUNTS,
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
        sw="{amount} inatumwa kwenda M-PESA. Utapokea SMS.",
    ),
)
