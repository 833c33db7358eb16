"""One-time codes for the JSON API."""

from jobs.texts.catalogue import Template
from jobs.texts.fields import COUNT, ONE_TIME_CODE

ONE_TIME_CODE_SENT = Template(
    name="one_time_code",
    fields={"code": ONE_TIME_CODE, "minutes": COUNT},
    en="{code} is your Cycle code, good for {minutes} minutes."
    " Never share it, not even with us. If you did not ask for it, ignore this SMS.",
    sw="{code} ni nambari yako ya Cycle, itumike ndani ya dakika {minutes}."
    " Usimpe mtu yeyote, hata sisi. Kama hukuiomba, puuza SMS hii.",
    answer=True,  # the customer asked for it just now
)

ONE_TIME_CODE_BLOCKED = Template(
    name="one_time_code_blocked",
    fields={},
    en="Somebody entered a wrong Cycle code five times, so it no longer works."
    " If it was not you, your number is safe: do not share any code.",
    sw="Mtu amekosea nambari ya Cycle mara tano, kwa hivyo haifanyi kazi tena."
    " Kama si wewe, akaunti yako iko salama: usimpe mtu nambari yoyote.",
)
