"""Joining: language, consent, names, a PIN twice."""

from ussd_app.flow import inputs
from ussd_app.flow.model import Effect, End, Entry, Menu, Option, PinEntry, Text

LANGUAGE = Menu(
    name="language",
    text=Text(en="Welcome to Cycle\nKaribu Cycle", sw="Welcome to Cycle\nKaribu Cycle"),
    options=(
        Option(Text(en="English", sw="English"), "consent", {"language": "en"}),
        Option(Text(en="Kiswahili", sw="Kiswahili"), "consent", {"language": "sw"}),
    ),
    can_leave=False,
)

CONSENT = Menu(
    name="consent",
    text=Text(
        en="Cycle keeps your name, number and payments to run your wallet. "
        "Do you accept our terms?",
        sw="Cycle huhifadhi jina, nambari na malipo yako kuendesha akaunti. "
        "Unakubali masharti yetu?",
    ),
    options=(
        Option(Text(en="I accept", sw="Nakubali"), "first_name"),
        Option(Text(en="No", sw="Hapana"), "declined"),
    ),
    can_resume=True,
)

DECLINED = End(
    name="declined",
    text=Text(
        en="You did not join. Nothing was kept. Dial again whenever you like.",
        sw="Hujajiunga. Hakuna kilichohifadhiwa. Piga tena wakati wowote.",
    ),
)

FIRST_NAME = Entry(
    name="first_name",
    text=Text(en="Enter your first name", sw="Weka jina lako la kwanza"),
    field="first_name",
    parse=inputs.name,
    target="last_name",
)

LAST_NAME = Entry(
    name="last_name",
    text=Text(en="Enter your last name", sw="Weka jina lako la mwisho"),
    field="last_name",
    parse=inputs.name,
    target="new_pin",
)

NEW_PIN = PinEntry(
    name="new_pin",
    text=Text(
        en="Choose a PIN of 4 digits. Not your birth year, not 1234.",
        sw="Chagua PIN ya tarakimu 4. Si mwaka wa kuzaliwa, si 1234.",
    ),
    submit=Effect("choose_pin", {"ok": "repeat_pin"}),
    retry=("pin_weak",),
)

REPEAT_PIN = PinEntry(
    name="repeat_pin",
    text=Text(en="Enter the PIN again", sw="Weka PIN tena"),
    submit=Effect("join", {"ok": "registered", "differs": "pins_differ"}),
)

PINS_DIFFER = PinEntry(
    name="pins_differ",
    text=Text(
        en="The two PINs differ. Choose a PIN of 4 digits.",
        sw="PIN hizo mbili hazilingani. Chagua PIN ya tarakimu 4.",
    ),
    submit=Effect("choose_pin", {"ok": "repeat_pin"}),
    retry=("pin_weak",),
)

REGISTERED = End(
    name="registered",
    text=Text(
        en="Welcome {first_name}! Your Cycle wallet is ready. Dial again to deposit.",
        sw="Karibu {first_name}! Akaunti yako ya Cycle iko tayari. Piga tena kuweka pesa.",
    ),
)
