"""Statements by mail: on their way, or not."""

from jobs.texts.catalogue import Template
from jobs.texts.fields import DAY, MASKED_EMAIL

_FIELDS = {"email": MASKED_EMAIL, "first_day": DAY, "last_day": DAY}

STATEMENT_SENT = Template(
    name="statement_sent",
    fields=_FIELDS,
    en="Your Cycle statement from {first_day} to {last_day} is on its way to {email}.",
    sw="Taarifa yako ya Cycle ya {first_day} hadi {last_day} imetumwa kwa {email}.",
)

STATEMENT_FAILED = Template(
    name="statement_failed",
    fields=_FIELDS,
    en="Your Cycle statement from {first_day} to {last_day} could not be mailed to {email}."
    " Check the address, then ask again.",
    sw="Taarifa yako ya Cycle ya {first_day} hadi {last_day} haikutumwa kwa {email}."
    " Angalia anwani kisha uombe tena.",
)

STATEMENT_UNSURE = Template(
    name="statement_unsure",
    fields=_FIELDS,
    en="Your Cycle statement from {first_day} to {last_day} may have reached {email}."
    " If it is not there, ask again.",
    sw="Taarifa yako ya Cycle ya {first_day} hadi {last_day} huenda imefika kwa {email}."
    " Kama haipo, omba tena.",
)
