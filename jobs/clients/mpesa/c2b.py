"""C2B (Daraja 1.12): tell Daraja where paybill payments are announced; try one in the sandbox."""

from jobs.clients.mpesa.outcomes import Answer, Api
from jobs.clients.mpesa.shillings import whole_shillings
from jobs.clients.mpesa.transport import Daraja

FORBIDDEN_WORDS = ("mpesa", "m-pesa", "safaricom", "exec", "exe", "cmd", "sql", "query")
"""Words that Daraja refuses in a registered address, in any case."""


def register(daraja: Daraja, *, confirmation_url: str, validation_url: str) -> Answer:
    """Register both addresses; in production Daraja accepts this once per shortcode.

    Raises ValueError for an address with a word that Daraja refuses.
    """
    for url in (confirmation_url, validation_url):
        found = [word for word in FORBIDDEN_WORDS if word in url.lower()]
        if found:
            raise ValueError(f"Daraja refuses addresses that contain '{found[0]}'")
    return daraja.post(
        Api.C2B,
        "/mpesa/c2b/v2/registerurl",
        {
            "ShortCode": daraja.account.shortcode,
            "ResponseType": "Completed",
            "ConfirmationURL": confirmation_url,
            "ValidationURL": validation_url,
        },
    )


def simulate(daraja: Daraja, *, amount_cents: int, msisdn: str, account_number: str) -> Answer:
    """Make a payment as if by a customer; the sandbox only."""
    return daraja.post(
        Api.C2B,
        "/mpesa/c2b/v2/simulate",
        {
            "ShortCode": daraja.account.shortcode,
            "CommandID": "CustomerPayBillOnline",
            "Amount": whole_shillings(amount_cents),
            "Msisdn": msisdn.removeprefix("+"),
            "BillRefNumber": account_number,
        },
    )
