"""Money on its way in from M-Pesa: receipts, and why a deposit did not happen."""

from jobs.texts.catalogue import Template
from jobs.texts.fields import FEE, MOMENT, MONEY, MPESA_RECEIPT, RECEIPT

DEPOSIT_RECEIVED = Template(
    name="deposit_received",
    fields={
        "receipt": RECEIPT,
        "amount": MONEY,
        "mpesa_receipt": MPESA_RECEIPT,
        "posted_at": MOMENT,
        "balance": MONEY,
        "fee": FEE,
    },
    en="{receipt} Confirmed. {amount} deposited from M-PESA[ {mpesa_receipt}] on {posted_at}."
    " New balance is {balance}.[ Cost {fee}.]",
    sw="{receipt} Imethibitishwa. {amount} imewekwa kutoka M-PESA[ {mpesa_receipt}]"
    " tarehe {posted_at}. Salio jipya ni {balance}.[ Ada {fee}.]",
)

DEPOSIT_FAILED = Template(
    name="deposit_failed",
    fields={"amount": MONEY},
    en="Your deposit of {amount} was not completed. No money has moved."
    " Please try again: dial {ussd_code}.",
    sw="Kuweka {amount} hakukukamilika. Hakuna pesa iliyotoka."
    " Tafadhali jaribu tena: piga {ussd_code}.",
)

DEPOSIT_FAILED_CANCELLED = Template(
    name="deposit_failed_cancelled",
    fields={"amount": MONEY},
    en="Your deposit of {amount} was cancelled on your phone. No money has moved."
    " To try again dial {ussd_code}.",
    sw="Ulighairi kuweka {amount} kwenye simu yako. Hakuna pesa iliyotoka."
    " Kujaribu tena piga {ussd_code}.",
)

DEPOSIT_FAILED_TIMEOUT = Template(
    name="deposit_failed_timeout",
    fields={"amount": MONEY},
    en="Your deposit of {amount} was not completed: the M-PESA request got no answer in time."
    " No money has moved. To try again dial {ussd_code}.",
    sw="Kuweka {amount} hakukukamilika: ombi la M-PESA halikujibiwa kwa wakati."
    " Hakuna pesa iliyotoka. Kujaribu tena piga {ussd_code}.",
)

DEPOSIT_FAILED_INSUFFICIENT = Template(
    name="deposit_failed_insufficient",
    fields={"amount": MONEY},
    en="Your deposit of {amount} was not completed: not enough money in your M-PESA."
    " No money has moved. Top up M-PESA, then dial {ussd_code}.",
    sw="Kuweka {amount} hakukukamilika: hakuna pesa za kutosha kwenye M-PESA."
    " Hakuna pesa iliyotoka. Ongeza pesa, kisha piga {ussd_code}.",
)

DEPOSIT_FAILED_WRONG_PIN = Template(
    name="deposit_failed_wrong_pin",
    fields={"amount": MONEY},
    en="Your deposit of {amount} was not completed: the M-PESA PIN was wrong."
    " No money has moved. To try again dial {ussd_code}.",
    sw="Kuweka {amount} hakukukamilika: PIN ya M-PESA si sahihi."
    " Hakuna pesa iliyotoka. Kujaribu tena piga {ussd_code}.",
)

DEPOSIT_FAILED_LIMIT = Template(
    name="deposit_failed_limit",
    fields={"amount": MONEY},
    en="Your deposit of {amount} was not completed: it is beyond an M-PESA limit."
    " No money has moved. Try another amount: dial {ussd_code}.",
    sw="Kuweka {amount} hakukukamilika: kiasi kinazidi kiwango cha M-PESA."
    " Hakuna pesa iliyotoka. Jaribu kiasi kingine: piga {ussd_code}.",
)

DEPOSIT_FAILED_BUSY = Template(
    name="deposit_failed_busy",
    fields={"amount": MONEY},
    en="Your deposit of {amount} was not completed: M-PESA could not be reached."
    " No money has moved. Try again in a few minutes: dial {ussd_code}.",
    sw="Kuweka {amount} hakukukamilika: M-PESA haikupatikana."
    " Hakuna pesa iliyotoka. Jaribu tena baada ya dakika chache: piga {ussd_code}.",
)

DEPOSIT_FAILED_PHONE_BUSY = Template(
    name="deposit_failed_phone_busy",
    fields={"amount": MONEY},
    en="Your deposit of {amount} was not completed: your phone was busy with another request."
    " No money has moved. Try again in 2 minutes: dial {ussd_code}.",
    sw="Kuweka {amount} hakukukamilika: simu yako ilikuwa na ombi lingine."
    " Hakuna pesa iliyotoka. Jaribu tena baada ya dakika 2: piga {ussd_code}.",
)

DEPOSIT_EXPIRED = Template(
    name="deposit_expired",
    fields={"amount": MONEY},
    en="M-PESA has not confirmed your deposit of {amount}, so it is closed. If the money left"
    " your M-PESA, it will still be added. Dial {ussd_code}.",
    sw="M-PESA haijathibitisha kuweka {amount}, kwa hivyo ombi limefungwa. Kama pesa ilitoka"
    " M-PESA, bado itaongezwa. Piga {ussd_code}.",
)

DEPOSIT_PENDING = Template(
    name="deposit_pending",
    fields={"amount": MONEY},
    en="M-PESA has not confirmed your deposit of {amount} yet. Please do not pay again:"
    " we keep asking and will send you an SMS.",
    sw="M-PESA bado haijathibitisha kuweka {amount}. Tafadhali usilipe tena:"
    " tunaendelea kuuliza na utapokea SMS.",
)

MONEY_IN_SUSPENSE = Template(
    name="money_in_suspense",
    fields={"receipt": RECEIPT, "amount": MONEY, "mpesa_receipt": MPESA_RECEIPT},
    en="{receipt} We hold {amount} that you paid by M-PESA[ {mpesa_receipt}] but could not add"
    " it to your wallet yet. It is safe. We will contact you.",
    sw="{receipt} Tumehifadhi {amount} uliyolipa kwa M-PESA[ {mpesa_receipt}] lakini bado"
    " haijaingia kwenye akaunti. Ni salama. Tutawasiliana nawe.",
)

DEPOSIT_REVERSED = Template(
    name="deposit_reversed",
    fields={"receipt": RECEIPT, "amount": MONEY, "posted_at": MOMENT, "balance": MONEY},
    en="{receipt} Confirmed. Your deposit of {amount} was reversed to M-PESA on {posted_at}."
    "[ New balance is {balance}.]",
    sw="{receipt} Imethibitishwa. {amount} uliyoweka imerudishwa M-PESA tarehe {posted_at}."
    "[ Salio jipya ni {balance}.]",
)
