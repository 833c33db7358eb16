"""The balance, behind the PIN."""

from ussd_app.flow.model import Effect, Notice, PinEntry, Text

BALANCE_PIN = PinEntry(
    name="balance_pin",
    text=Text(en="Balance. Enter your PIN", sw="Salio. Weka PIN yako"),
    submit=Effect("show_balance", {"ok": "balance"}),
    retry=("pin_wrong",),
)

BALANCE = Notice(
    name="balance",
    text=Text(en="Your balance is {balance}.", sw="Salio lako ni {balance}."),
)
