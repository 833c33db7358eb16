"""After a session broke off: what became of confirmed money, or an offer to go on."""

from ussd_app.flow.model import AT_HOME, CONTINUE, Menu, Option, Text

_MENU = (Option(Text(en="Main menu", sw="Menyu kuu"), AT_HOME),)

RESUME = Menu(
    name="resume",
    text=Text(en="You were cut off. Go on?", sw="Huduma ilikatika. Ungependa kuendelea?"),
    options=(
        Option(Text(en="Continue", sw="Endelea"), CONTINUE),
        Option(Text(en="Start over", sw="Anza upya"), AT_HOME),
    ),
    can_leave=False,
)

WAS_SENT = Menu(
    name="was_sent",
    text=Text(
        en="Your last request was done: {receipt} {amount} sent to {name}.",
        sw="Ombi lako la mwisho limekamilika: {receipt} {amount} imetumwa kwa {name}.",
    ),
    options=_MENU,
    can_leave=False,
)

IS_PENDING = Menu(
    name="is_pending",
    text=Text(
        en="Your last request for {amount} is on its way. You will get an SMS.",
        sw="Ombi lako la mwisho la {amount} linaendelea. Utapokea SMS.",
    ),
    options=_MENU,
    can_leave=False,
)

WAS_DONE = Menu(
    name="was_done",
    text=Text(
        en="Your last request for {amount} was done.",
        sw="Ombi lako la mwisho la {amount} limekamilika.",
    ),
    options=_MENU,
    can_leave=False,
)

HAS_FAILED = Menu(
    name="has_failed",
    text=Text(
        en="Your last request for {amount} was not completed. No money moved.",
        sw="Ombi lako la mwisho la {amount} halikukamilika. Hakuna pesa iliyotumwa.",
    ),
    options=_MENU,
    can_leave=False,
)
