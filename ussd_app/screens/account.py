"""My account: PIN, language, limits; and help."""

from ussd_app.flow.model import Effect, End, Menu, Notice, Option, PinEntry, Text

ACCOUNT = Menu(
    name="account",
    text=Text(en="My account", sw="Akaunti yangu"),
    options=(
        Option(Text(en="Change PIN", sw="Badilisha PIN"), "old_pin"),
        Option(Text(en="Language", sw="Lugha"), "change_language"),
        Option(Text(en="My limits", sw="Viwango vyangu"), "limits"),
    ),
)

OLD_PIN = PinEntry(
    name="old_pin",
    text=Text(en="Enter your present PIN", sw="Weka PIN yako ya sasa"),
    submit=Effect("check_old_pin", {"ok": "changed_pin"}),
    retry=("pin_wrong",),
)

CHANGED_PIN = PinEntry(
    name="changed_pin",
    text=Text(en="Choose a new PIN of 4 digits", sw="Chagua PIN mpya ya tarakimu 4"),
    submit=Effect("choose_pin", {"ok": "changed_pin_again"}),
    retry=("pin_weak",),
)

CHANGED_PIN_AGAIN = PinEntry(
    name="changed_pin_again",
    text=Text(en="Enter the new PIN again", sw="Weka PIN mpya tena"),
    submit=Effect("change_pin", {"ok": "pin_is_changed", "differs": "changed_pin"}),
)

PIN_IS_CHANGED = End(
    name="pin_is_changed",
    text=Text(en="Your PIN is changed.", sw="PIN yako imebadilishwa."),
)

FORCED_NEW_PIN = PinEntry(
    name="forced_new_pin",
    text=Text(
        en="Enter the start PIN that you got by SMS", sw="Weka PIN ya kuanzia uliyopata kwa SMS"
    ),
    submit=Effect("check_old_pin", {"ok": "changed_pin"}),
    retry=("pin_wrong",),
    can_leave=False,
)

CHANGE_LANGUAGE = Menu(
    name="change_language",
    text=Text(en="Language / Lugha", sw="Lugha / Language"),
    options=(
        Option(Text(en="English", sw="English"), "main", {"language": "en"}),
        Option(Text(en="Kiswahili", sw="Kiswahili"), "main", {"language": "sw"}),
    ),
    submit=Effect("set_language", {"ok": "main"}),
)

LIMITS = Notice(
    name="limits",
    text=Text(
        en="Left today: send {transfer_left}, withdraw {withdrawal_left}.",
        sw="Umebakiwa leo: kutuma {transfer_left}, kutoa {withdrawal_left}.",
    ),
    enter=Effect("load_limits"),
)

HELP = Notice(
    name="help",
    text=Text(
        en="Cycle help: call {support}. We never ask for your PIN.",
        sw="Usaidizi wa Cycle: piga {support}. Hatuulizi PIN yako kamwe.",
    ),
    enter=Effect("load_help"),
)
