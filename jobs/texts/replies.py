"""Answers to customers' own texts."""

from jobs.texts.catalogue import Template
from jobs.texts.fields import WHOLE_SMS

REPLY = Template(
    name="reply",
    fields={"text": WHOLE_SMS},
    en="{text}",
    sw="{text}",
    answer=True,
)
