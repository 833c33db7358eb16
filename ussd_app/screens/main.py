"""The main menu, and what a redial may show before it."""

from ussd_app.flow.model import End, Menu, Option, Text

MAIN = Menu(
    name="main",
    text=Text(en="Cycle", sw="Cycle"),
    options=(
        Option(Text(en="Send money", sw="Tuma pesa"), "send_to"),
        Option(Text(en="Deposit", sw="Weka pesa"), "deposit_amount"),
        Option(Text(en="Balance", sw="Salio"), "balance_pin"),
        Option(Text(en="Mini statement", sw="Taarifa fupi"), "mini_pin"),
        Option(Text(en="My account", sw="Akaunti yangu"), "account"),
        Option(Text(en="Help", sw="Usaidizi"), "help"),
    ),
    can_leave=False,
)

ACCOUNT_CLOSED = End(
    name="account_closed",
    text=Text(
        en="This account is closed. Call {support} for help.",
        sw="Akaunti hii imefungwa. Piga simu {support} kwa usaidizi.",
    ),
)
