"""The PIN: what happened to it, so that its owner knows."""

from jobs.texts.catalogue import Template
from jobs.texts.fields import COUNT, START_PIN_DIGITS, TICKET, TICKET_ANSWER

PIN_LOCKED = Template(
    name="pin_locked",
    fields={},
    en="Your Cycle PIN was entered wrongly three times and is locked for one hour."
    " If it was not you, contact support.",
    sw="PIN yako ya Cycle imekosewa mara tatu na imefungwa kwa saa moja."
    " Kama si wewe, wasiliana na huduma kwa wateja.",
)

PIN_UNLOCKED = Template(
    name="pin_unlocked",
    fields={},
    en="Your Cycle PIN can be used again. Dial {ussd_code}. Never share your PIN.",
    sw="PIN yako ya Cycle inaweza kutumika tena. Piga {ussd_code}. Usimwambie mtu PIN yako.",
)

PIN_CHANGED = Template(
    name="pin_changed",
    fields={},
    en="Your Cycle PIN was changed. If it was not you, contact support at once.",
    sw="PIN yako ya Cycle imebadilishwa. Kama si wewe, wasiliana na huduma kwa wateja mara moja.",
)

PIN_RESET = Template(
    name="pin_reset",
    fields={},
    en="Your Cycle PIN was reset. Dial {ussd_code} and choose a new one. For 24 hours your"
    " withdrawals are limited. Not you? Contact support.",
    sw="PIN yako ya Cycle imewekwa upya. Piga {ussd_code} uchague mpya. Kwa saa 24 kiwango cha"
    " kutoa pesa ni kidogo. Si wewe? Wasiliana nasi.",
)

START_PIN = Template(
    name="start_pin",
    fields={"code": START_PIN_DIGITS, "minutes": COUNT},
    en="Your Cycle start PIN is {code}, for {minutes} minutes and one use. Dial {ussd_code} and"
    " choose your own PIN. Withdrawals are limited for 24 hours.",
    sw="PIN yako ya kuanzia ya Cycle ni {code}, kwa dakika {minutes}, mara moja. Piga {ussd_code}"
    " uchague PIN yako. Kwa saa 24 kiwango cha kutoa pesa ni kidogo.",
    answer=True,
)

TICKET_OPENED = Template(
    name="ticket_opened",
    fields={"ticket": TICKET},
    en="Cycle has your complaint {ticket}. We answer within 2 working days. Keep this number.",
    sw="Cycle imepokea malalamiko yako {ticket}. Tutajibu ndani ya siku 2 za kazi."
    " Hifadhi nambari hii.",
)

TICKET_ANSWERED = Template(
    name="ticket_answered",
    fields={"ticket": TICKET, "answer": TICKET_ANSWER},
    en="Cycle, your complaint {ticket}: {answer}",
    sw="Cycle, malalamiko {ticket}: {answer}",
)
