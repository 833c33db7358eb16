"""What was prepared by SMS: shown first, done with the PIN, under the text's own key."""

from ussd_app.flow.model import AT_HOME, Effect, Menu, Notice, Option, PinEntry, Text

_LATER = Option(Text(en="Later", sw="Baadaye"), AT_HOME)
_CANCEL = Option(Text(en="Cancel it", sw="Ghairi"), "prepared_cancelled")

SEND = Menu(
    name="prepared_send",
    text=Text(
        en="By SMS you asked to send {amount} to {number}",
        sw="Kwa SMS uliomba kutuma {amount} kwa {number}",
    ),
    options=(Option(Text(en="Go on", sw="Endelea"), "prepared_send_pin"), _CANCEL, _LATER),
    can_leave=False,
)

SEND_PIN = PinEntry(
    name="prepared_send_pin",
    text=Text(
        en="Send {amount} to {name} {masked}. Fee {fee}. Total {total}. Enter PIN to send",
        sw="Tuma {amount} kwa {name} {masked}. Ada {fee}. Jumla {total}. Weka PIN",
    ),
    enter=Effect("quote_prepared_transfer"),
    submit=Effect("transfer_prepared", {"ok": "sent"}),
    retry=("pin_wrong",),
)

WITHDRAW = Menu(
    name="prepared_withdraw",
    text=Text(
        en="By SMS you asked to withdraw {amount} to M-PESA",
        sw="Kwa SMS uliomba kutoa {amount} kwenda M-PESA",
    ),
    options=(Option(Text(en="Go on", sw="Endelea"), "prepared_withdraw_pin"), _CANCEL, _LATER),
    can_leave=False,
)

WITHDRAW_PIN = PinEntry(
    name="prepared_withdraw_pin",
    text=Text(
        en="Withdraw {amount} to your M-PESA. Fee {fee}. Total {total}. Enter PIN to confirm",
        sw="Toa {amount} kwenda M-PESA yako. Ada {fee}. Jumla {total}. Weka PIN kuthibitisha",
    ),
    enter=Effect("quote_prepared_withdrawal"),
    submit=Effect("withdraw_prepared", {"ok": "withdrawal_requested"}),
    retry=("pin_wrong",),
)

WITHDRAW_TO = Menu(
    name="prepared_withdraw_to",
    text=Text(
        en="By SMS you asked to withdraw {amount} to M-PESA {number}",
        sw="Kwa SMS uliomba kutoa {amount} kwenda M-PESA {number}",
    ),
    options=(Option(Text(en="Go on", sw="Endelea"), "prepared_withdraw_to_pin"), _CANCEL, _LATER),
    can_leave=False,
)

WITHDRAW_TO_PIN = PinEntry(
    name="prepared_withdraw_to_pin",
    text=Text(
        en="Withdraw {amount} to M-PESA {number}. Fee {fee}. Total {total}. Enter PIN to confirm",
        sw="Toa {amount} kwa M-PESA {number}. Ada {fee}. Jumla {total}. Weka PIN kuthibitisha",
    ),
    enter=Effect("quote_prepared_withdrawal_to"),
    submit=Effect("withdraw_prepared_to", {"ok": "withdrawal_requested"}),
    retry=("pin_wrong",),
)

CANCELLED = Notice(
    name="prepared_cancelled",
    text=Text(en="Cancelled. No money moved.", sw="Imeghairiwa. Hakuna pesa iliyotumwa."),
    enter=Effect("forget_prepared"),
)
