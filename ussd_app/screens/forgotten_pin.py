"""A forgotten PIN: two questions, a start PIN by SMS, and its change at the next dial."""

from ussd_app.flow import inputs
from ussd_app.flow.model import Effect, End, Entry, Menu, Option, PinEntry, Text

FORGOT_NAME = Entry(
    name="forgot_name",
    text=Text(
        en="Forgot PIN. Enter your last name as registered",
        sw="Umesahau PIN. Weka jina la mwisho ulilosajili",
    ),
    field="last_name",
    parse=inputs.name,
    target="forgot_amount",
    can_resume=False,
)

FORGOT_AMOUNT = Entry(
    name="forgot_amount",
    text=Text(
        en="Enter the amount of your last movement without fee, 000 if none",
        sw="Weka kiasi cha muamala wa mwisho bila ada, 000 kama hakuna",
    ),
    field="last_amount",
    parse=inputs.amount_or_nought,
    submit=Effect("reset_pin", {"ok": "start_pin_sent"}),
    can_resume=False,
)

START_PIN_SENT = End(
    name="start_pin_sent",
    text=Text(
        en="You get a start PIN by SMS, good for 30 minutes. Dial again and enter it.",
        sw="Utapata PIN ya kuanzia kwa SMS, itumike ndani ya dakika 30. Piga tena uiweke.",
    ),
)

START_PIN = Menu(
    name="start_pin",
    text=Text(
        en="Choose your own PIN before anything else",
        sw="Chagua PIN yako mwenyewe kwanza",
    ),
    options=(
        Option(Text(en="I have the start PIN", sw="Nina PIN ya kuanzia"), "start_pin_entry"),
        Option(Text(en="Send me a new one", sw="Nitumie mpya"), "forgot_name"),
    ),
    can_leave=False,
)

START_PIN_ENTRY = PinEntry(
    name="start_pin_entry",
    text=Text(
        en="Enter the start PIN that you got by SMS", sw="Weka PIN ya kuanzia uliyopata kwa SMS"
    ),
    submit=Effect("check_start_pin", {"ok": "changed_pin"}),
    retry=("pin_wrong",),
    can_leave=False,
)
