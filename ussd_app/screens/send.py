"""Money to another member: number, amount, then the PIN as confirmation."""

from ussd_app.flow import inputs
from ussd_app.flow.model import Effect, End, Entry, Menu, Option, PinEntry, Text

TO = Entry(
    name="send_to",
    text=Text(en="Send money to. Enter phone number", sw="Tuma pesa kwa. Weka nambari ya simu"),
    field="number",
    parse=inputs.phone,
    target="send_amount",
)

AMOUNT = Entry(
    name="send_amount",
    text=Text(en="Enter amount to send", sw="Weka kiasi cha kutuma"),
    field="amount",
    parse=inputs.amount,
    submit=Effect("quote_transfer", {"ok": "send_pin", "unknown": "send_invite"}),
    retry=("amount_invalid", "amount_too_small", "amount_too_large", "insufficient_funds"),
)

PIN = PinEntry(
    name="send_pin",
    text=Text(
        en="Send {amount} to {name} {masked}. Fee {fee}. Total {total}. Enter PIN to send",
        sw="Tuma {amount} kwa {name} {masked}. Ada {fee}. Jumla {total}. Weka PIN",
    ),
    submit=Effect("transfer", {"ok": "sent"}),
    retry=("pin_wrong",),
)

SENT = End(
    name="sent",
    text=Text(
        en="{receipt} Confirmed. {amount} sent to {name}. Balance {balance}.",
        sw="{receipt} Imethibitishwa. {amount} imetumwa kwa {name}. Salio {balance}.",
    ),
)

INVITE = Menu(
    name="send_invite",
    text=Text(
        en="{number} is not on Cycle. Nothing was sent.",
        sw="{number} hayuko kwenye Cycle. Hakuna kilichotumwa.",
    ),
    options=(
        Option(Text(en="Invite by SMS", sw="Alika kwa SMS"), "invited"),
        Option(Text(en="Another number", sw="Nambari nyingine"), "send_to"),
    ),
)

INVITED = End(
    name="invited",
    text=Text(en="We invite {number} by SMS.", sw="Tunamwalika {number} kwa SMS."),
    enter=Effect("invite"),
)
