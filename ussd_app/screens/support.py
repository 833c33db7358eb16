"""Help: the support number, and a complaint about a receipt."""

from ussd_app.flow import inputs
from ussd_app.flow.model import Effect, End, Entry, Menu, Option, Text

HELP = Menu(
    name="help",
    text=Text(
        en="Call {support}. We never ask for your PIN.",
        sw="Piga simu {support}. Hatuulizi PIN yako kamwe.",
    ),
    enter=Effect("load_help"),
    options=(
        Option(Text(en="Complain", sw="Lalamika"), "complaint"),
        Option(Text(en="Privacy", sw="Faragha"), "privacy"),
    ),
)

COMPLAINT = Menu(
    name="complaint",
    text=Text(en="What is it about?", sw="Inahusu nini?"),
    options=(
        Option(Text(en="My last movement", sw="Muamala wa mwisho"), "reason", {"about": "last"}),
        Option(Text(en="An older receipt", sw="Risiti ya zamani"), "about"),
        Option(Text(en="Something else", sw="Jambo lingine"), "reason", {"about": ""}),
    ),
)

ABOUT = Entry(
    name="about",
    text=Text(en="Enter the receipt's 10 characters", sw="Weka herufi 10 za risiti"),
    field="about",
    parse=inputs.receipt,
    target="reason",
)

REASON = Menu(
    name="reason",
    text=Text(en="What is wrong?", sw="Tatizo ni nini?"),
    options=(
        Option(
            Text(en="Sent to a wrong person", sw="Nilituma kwa mtu mwingine"),
            "ticket_opened",
            {"reason": "Sent to a wrong person"},
        ),
        Option(
            Text(en="Money did not arrive", sw="Pesa haikufika"),
            "ticket_opened",
            {"reason": "Money did not arrive"},
        ),
        Option(
            Text(en="Wrong amount or fee", sw="Kiasi au ada si sahihi"),
            "ticket_opened",
            {"reason": "Wrong amount or fee"},
        ),
        Option(Text(en="Other", sw="Lingine"), "ticket_opened", {"reason": "Other"}),
    ),
    submit=Effect("open_ticket", {"ok": "ticket_opened"}),
)

TICKET_OPENED = End(
    name="ticket_opened",
    text=Text(
        en="Your complaint has the number {ticket}. We answer within 2 working days.",
        sw="Nambari ya malalamiko yako ni {ticket}. Tutajibu ndani ya siku 2 za kazi.",
    ),
)
