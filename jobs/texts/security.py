"""The PIN: what happened to it, so that its owner knows."""

from jobs.texts.catalogue import Template

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
    sw="PIN yako ya Cycle imewekwa upya. Piga {ussd_code} uchague mpya. Kwa saa 24 kutoa pesa"
    " kuna kikomo. Si wewe? Wasiliana nasi.",
)
