"""Joining, and money from wallet to wallet."""

from jobs.texts.catalogue import Template
from jobs.texts.fields import FEE, MASKED_MSISDN, MOMENT, MONEY, NAME, RECEIPT

WELCOME = Template(
    name="welcome",
    fields={"name": NAME},
    en="Welcome to Cycle, {name}. Dial {ussd_code} to deposit, send and withdraw money."
    " Never share your PIN, not even with us.",
    sw="Karibu Cycle, {name}. Piga {ussd_code} kuweka, kutuma na kutoa pesa."
    " Usimwambie mtu yeyote PIN yako, hata sisi.",
)

TRANSFER_SENT = Template(
    name="transfer_sent",
    fields={
        "receipt": RECEIPT,
        "amount": MONEY,
        "name": NAME,
        "msisdn": MASKED_MSISDN,
        "posted_at": MOMENT,
        "balance": MONEY,
        "fee": FEE,
    },
    en="{receipt} Confirmed. {amount} sent to {name} {msisdn} on {posted_at}."
    " New balance is {balance}. Cost {fee}.",
    sw="{receipt} Imethibitishwa. {amount} imetumwa kwa {name} {msisdn} tarehe {posted_at}."
    " Salio jipya ni {balance}. Ada {fee}.",
)

TRANSFER_RECEIVED = Template(
    name="transfer_received",
    fields={
        "receipt": RECEIPT,
        "amount": MONEY,
        "name": NAME,
        "msisdn": MASKED_MSISDN,
        "posted_at": MOMENT,
        "balance": MONEY,
    },
    en="{receipt} Confirmed. You have received {amount} from {name} {msisdn} on {posted_at}."
    " New balance is {balance}.",
    sw="{receipt} Imethibitishwa. Umepokea {amount} kutoka kwa {name} {msisdn}"
    " tarehe {posted_at}. Salio jipya ni {balance}.",
)
