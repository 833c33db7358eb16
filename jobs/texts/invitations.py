"""Texts to people who are not customers yet."""

from jobs.texts.catalogue import Template
from jobs.texts.fields import NAME

INVITATION = Template(
    name="invitation",
    fields={"name": NAME},
    en="{name} wants to send you money with Cycle. Dial {ussd_code} to join, it is free.",
    sw="{name} anataka kukutumia pesa kwa Cycle. Piga {ussd_code} kujiunga, ni bure.",
)
