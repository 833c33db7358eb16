"""The main menu."""

from ussd_app.flow.model import End, Menu, Option, Text

MAIN = Menu(
    name="main",
    text=Text(en="Cycle", sw="Cycle"),
    options=(
        Option(Text(en="Send money", sw="Tuma pesa"), "send_to"),
        Option(Text(en="Deposit", sw="Weka pesa"), "deposit_amount"),
        Option(Text(en="Balance", sw="Salio"), "balance_pin"),
        Option(Text(en="Withdraw", sw="Toa pesa"), "withdraw"),
        Option(Text(en="Request money", sw="Omba pesa"), "requests"),
        Option(Text(en="Statements", sw="Taarifa"), "statements"),
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
