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

MONEY_REQUESTED = Template(
    name="money_requested",
    fields={"name": NAME, "msisdn": MASKED_MSISDN, "amount": MONEY},
    en="{name} {msisdn} asks you for {amount}. To pay or decline dial {ussd_code} within 7 days."
    " Pay only people you know.",
    sw="{name} {msisdn} anakuomba {amount}. Kulipa au kukataa piga {ussd_code} ndani ya siku 7."
    " Lipa unaowajua tu.",
)

MONEY_REQUEST_DECLINED = Template(
    name="money_request_declined",
    fields={"name": NAME, "msisdn": MASKED_MSISDN, "amount": MONEY},
    en="{name} {msisdn} declined your request for {amount}. No money moved.",
    sw="{name} {msisdn} amekataa ombi lako la {amount}. Hakuna pesa iliyotumwa.",
)

TRANSFER_REVERSED = Template(
    name="transfer_reversed",
    fields={
        "receipt": RECEIPT,
        "original": RECEIPT,
        "amount": MONEY,
        "posted_at": MOMENT,
        "balance": MONEY,
    },
    en="{receipt} Confirmed. Your transfer {original} of {amount} was reversed on {posted_at}."
    " New balance is {balance}.",
    sw="{receipt} Imethibitishwa. Muamala {original} wa {amount} umebatilishwa tarehe"
    " {posted_at}. Salio jipya ni {balance}.",
)
