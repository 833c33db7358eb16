"""STK push (Daraja 1.4): ask a customer's phone for a payment."""

import base64
import re
from datetime import datetime

from jobs.clients.mpesa.clock import compact, now_utc
from jobs.clients.mpesa.outcomes import Answer, Api
from jobs.clients.mpesa.shillings import whole_shillings
from jobs.clients.mpesa.transport import Daraja

ACCOUNT_REFERENCE_LENGTH_MAX = 12
DESCRIPTION_LENGTH_MAX = 13
_REFERENCE = re.compile(rf"[A-Za-z0-9]{{1,{ACCOUNT_REFERENCE_LENGTH_MAX}}}", re.ASCII)


def password(shortcode: str, passkey: str, timestamp: str) -> str:
    """Return the Password field for a compact EAT timestamp (Daraja 1.4)."""
    return base64.b64encode(f"{shortcode}{passkey}{timestamp}".encode("ascii")).decode("ascii")


def push(
    daraja: Daraja,
    *,
    amount_cents: int,
    msisdn: str,
    account_reference: str,
    description: str,
    callback_url: str,
    moment: datetime | None = None,
) -> Answer:
    """Send one prompt; an accepted answer holds MerchantRequestID and CheckoutRequestID.

    ``msisdn`` is in the stored form. Raises ValueError for cents, for a reference that is
    not 1 to 12 letters and digits, and for a description over 13 characters: the sandbox
    lets these pass and production does not.
    """
    if not _REFERENCE.fullmatch(account_reference):
        raise ValueError("an account reference is 1 to 12 letters and digits")
    if not 1 <= len(description) <= DESCRIPTION_LENGTH_MAX:
        raise ValueError("a description is 1 to 13 characters")
    account = daraja.account
    timestamp = compact(moment or now_utc())
    payer = msisdn.removeprefix("+")
    return daraja.post(
        Api.STK_PUSH,
        "/mpesa/stkpush/v1/processrequest",
        {
            "BusinessShortCode": account.shortcode,
            "Password": password(account.shortcode, account.passkey, timestamp),
            "Timestamp": timestamp,
            "TransactionType": "CustomerPayBillOnline",
            "Amount": whole_shillings(amount_cents),
            "PartyA": payer,
            "PartyB": account.shortcode,
            "PhoneNumber": payer,
            "CallBackURL": callback_url,
            "AccountReference": account_reference,
            "TransactionDesc": description,
        },
    )
