"""My account: PIN, language, limits, privacy, and the wallet's end."""

from ussd_app.flow.model import Effect, End, Menu, Notice, Option, PinEntry, Text

ACCOUNT = Menu(
    name="account",
    text=Text(en="My account", sw="Akaunti yangu"),
    options=(
        Option(Text(en="Change PIN", sw="Badilisha PIN"), "old_pin"),
        Option(Text(en="Language", sw="Lugha"), "change_language"),
        Option(Text(en="My limits", sw="Viwango vyangu"), "limits"),
        Option(Text(en="Forgot PIN", sw="Nimesahau PIN"), "forgot_name"),
        Option(Text(en="E-mail", sw="Barua pepe"), "email"),
        Option(Text(en="Balance by SMS", sw="Salio kwa SMS"), "sms_balance"),
        Option(Text(en="Close wallet", sw="Funga akaunti"), "close"),
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
        en="At once: {maximum}. Left today: send {transfer_left}, withdraw {withdrawal_left}.",
        sw="Kwa mara moja: {maximum}. Leo bado unaweza kutuma {transfer_left},"
        " kutoa {withdrawal_left}.",
    ),
    enter=Effect("load_limits"),
)

PRIVACY = Notice(
    name="privacy",
    text=Text(
        en="The law makes us keep your name, number and payments 7 years. We sell nothing."
        " To end consent close the wallet.",
        sw="Sheria inataka tuhifadhi jina, nambari na malipo miaka 7. Hatuuzi chochote."
        " Kuondoa idhini funga akaunti.",
    ),
)

CLOSE = Menu(
    name="close",
    text=Text(
        en="Close your wallet for good? It must be empty.",
        sw="Funga akaunti kabisa? Ni lazima iwe tupu.",
    ),
    options=(Option(Text(en="Yes, close it", sw="Ndiyo, funga"), "close_pin"),),
)

CLOSE_PIN = PinEntry(
    name="close_pin",
    text=Text(en="Close wallet. Enter PIN to confirm", sw="Funga akaunti. Weka PIN kuthibitisha"),
    submit=Effect("close_wallet", {"ok": "closed"}),
    retry=("pin_wrong",),
)

CLOSED = End(
    name="closed",
    text=Text(
        en="Your wallet is closed. Thank you for using Cycle.",
        sw="Akaunti yako imefungwa. Asante kwa kutumia Cycle.",
    ),
)
