"""The balance, and the last five movements; each behind the PIN."""

from ussd_app.flow.model import Effect, Listing, Notice, PinEntry, Text

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

MINI_PIN = PinEntry(
    name="mini_pin",
    text=Text(en="Mini statement. Enter your PIN", sw="Taarifa fupi. Weka PIN yako"),
    submit=Effect("load_recent", {"ok": "mini"}),
    retry=("pin_wrong",),
)

MINI = Listing(
    name="mini",
    text=Text(en="Last movements", sw="Miamala ya mwisho"),
    item=Text(en="{day} {sign}{amount} {name}", sw="{day} {sign}{amount} {name}"),
    empty=Text(en="Nothing yet.", sw="Hakuna bado."),
)
