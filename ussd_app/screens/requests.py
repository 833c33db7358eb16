"""Asking a member for money, and answering who asks."""

from ussd_app.flow import inputs
from ussd_app.flow.model import Effect, End, Entry, Menu, Notice, Option, PinEntry, Text

REQUESTS = Menu(
    name="requests",
    text=Text(en="Request money", sw="Omba pesa"),
    options=(
        Option(Text(en="Ask somebody", sw="Omba mtu"), "ask_from"),
        Option(Text(en="Who asks me", sw="Wanaoniomba"), "asked"),
    ),
)

ASK_FROM = Entry(
    name="ask_from",
    text=Text(en="Ask money from. Enter phone number", sw="Omba pesa kutoka kwa. Weka nambari"),
    field="number",
    parse=inputs.phone,
    target="ask_amount",
)

ASK_AMOUNT = Entry(
    name="ask_amount",
    text=Text(en="Enter amount to ask for", sw="Weka kiasi cha kuomba"),
    field="amount",
    parse=inputs.amount,
    submit=Effect("ask_money", {"ok": "ask_done"}),
    retry=("amount_invalid", "amount_too_small", "amount_too_large"),
)

ASK_DONE = End(
    name="ask_done",
    text=Text(
        en="If {number} is on Cycle, they get your request for {amount} by SMS."
        " They have 7 days to answer.",
        sw="Ikiwa {number} yuko kwenye Cycle, atapata ombi lako la {amount} kwa SMS."
        " Ana siku 7 kujibu.",
    ),
)

ASKED = Menu(
    name="asked",
    text=Text(en="{name} {masked} asks you for {amount}", sw="{name} {masked} anakuomba {amount}"),
    enter=Effect("load_request", {"none": "asked_none"}),
    options=(
        Option(Text(en="Pay", sw="Lipa"), "asked_pin"),
        Option(Text(en="Decline", sw="Kataa"), "asked_declined"),
        Option(Text(en="Later, next", sw="Baadaye, lingine"), "asked", {"skip": "yes"}),
    ),
)

ASKED_NONE = Notice(
    name="asked_none",
    text=Text(en="Nobody asks you for money now.", sw="Hakuna anayekuomba pesa kwa sasa."),
)

ASKED_PIN = PinEntry(
    name="asked_pin",
    text=Text(
        en="Pay {amount} to {name} {masked}. Fee {fee}. Total {total}. Enter PIN to confirm",
        sw="Lipa {amount} kwa {name} {masked}. Ada {fee}. Jumla {total}. Weka PIN",
    ),
    enter=Effect("quote_request"),
    submit=Effect("pay_request", {"ok": "sent"}),
    retry=("pin_wrong",),
)

ASKED_DECLINED = End(
    name="asked_declined",
    text=Text(
        en="You declined. {name} is told. No money moved.",
        sw="Umekataa. {name} atajulishwa. Hakuna pesa iliyotumwa.",
    ),
    enter=Effect("decline_request"),
)
