"""Money on its way out to M-Pesa."""

from jobs.texts.catalogue import Template
from jobs.texts.fields import FEE, MASKED_MSISDN, MOMENT, MONEY, MPESA_RECEIPT, RECEIPT

WITHDRAWAL_REQUESTED = Template(
    name="withdrawal_requested",
    fields={
        "receipt": RECEIPT,
        "amount": MONEY,
        "msisdn": MASKED_MSISDN,
        "posted_at": MOMENT,
        "balance": MONEY,
        "fee": FEE,
    },
    en="{receipt} Received. {amount} to M-PESA[ {msisdn}] on {posted_at}. Balance {balance}."
    " Cost {fee}. An SMS follows when it is sent.",
    sw="{receipt} Imepokelewa. {amount} kwenda M-PESA[ {msisdn}] tarehe {posted_at}."
    " Salio {balance}. Ada {fee}. Utapokea SMS ikitumwa.",
)

WITHDRAWAL_COMPLETED = Template(
    name="withdrawal_completed",
    fields={
        "receipt": RECEIPT,
        "amount": MONEY,
        "msisdn": MASKED_MSISDN,
        "mpesa_receipt": MPESA_RECEIPT,
        "posted_at": MOMENT,
        "balance": MONEY,
        "fee": FEE,
    },
    en="{receipt} Confirmed. {amount} sent to M-PESA[ {msisdn}][ {mpesa_receipt}] on {posted_at}."
    "[ New balance is {balance}.][ Cost {fee}.]",
    sw="{receipt} Imethibitishwa. {amount} imetumwa kwa M-PESA[ {msisdn}][ {mpesa_receipt}]"
    " tarehe {posted_at}.[ Salio jipya ni {balance}.][ Ada {fee}.]",
)

WITHDRAWAL_FAILED = Template(
    name="withdrawal_failed",
    fields={"receipt": RECEIPT, "amount": MONEY, "balance": MONEY},
    en="[{receipt} ]Your withdrawal of {amount} was not completed. The money and the cost are"
    " back in your wallet.[ New balance is {balance}.]",
    sw="[{receipt} ]Kutoa {amount} hakukukamilika. Pesa na ada zimerudi kwenye akaunti yako."
    "[ Salio jipya ni {balance}.]",
)

WITHDRAWAL_FAILED_UNREGISTERED = Template(
    name="withdrawal_failed_unregistered",
    fields={"receipt": RECEIPT, "amount": MONEY, "balance": MONEY},
    en="[{receipt} ]Your withdrawal of {amount} failed: the number has no M-PESA. The money and"
    " the cost are back in your wallet.[ Balance {balance}.]",
    sw="[{receipt} ]Kutoa {amount} hakukukamilika: nambari hiyo haina M-PESA. Pesa na ada zimerudi"
    " kwenye akaunti.[ Salio {balance}.]",
)

WITHDRAWAL_FAILED_LIMIT = Template(
    name="withdrawal_failed_limit",
    fields={"receipt": RECEIPT, "amount": MONEY, "balance": MONEY},
    en="[{receipt} ]Your withdrawal of {amount} failed: it is beyond an M-PESA limit. The money"
    " and the cost are back in your wallet.[ Balance {balance}.]",
    sw="[{receipt} ]Kutoa {amount} hakukukamilika: kinazidi kiwango cha M-PESA. Pesa na ada"
    " zimerudi kwenye akaunti.[ Salio {balance}.]",
)

WITHDRAWAL_FAILED_SERVICE = Template(
    name="withdrawal_failed_service",
    fields={"receipt": RECEIPT, "amount": MONEY, "balance": MONEY},
    en="[{receipt} ]Sorry, we could not send {amount} to M-PESA now. The money and the cost are"
    " back in your wallet.[ Balance {balance}.] Try again later.",
    sw="[{receipt} ]Samahani, hatukuweza kutuma {amount} M-PESA. Pesa na ada zimerudi kwenye"
    " akaunti.[ Salio {balance}.] Jaribu tena baadaye.",
)

WITHDRAWAL_PENDING = Template(
    name="withdrawal_pending",
    fields={"amount": MONEY},
    en="M-PESA has not confirmed your withdrawal of {amount} yet. The money is held safely."
    " We keep asking and will send you an SMS.",
    sw="M-PESA bado haijathibitisha kutoa {amount}. Pesa zimehifadhiwa salama."
    " Tunaendelea kuuliza na utapokea SMS.",
)
