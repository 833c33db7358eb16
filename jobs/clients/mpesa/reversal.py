"""Reversal (Daraja 1.11): return a customer's paybill or STK payment."""

from jobs.clients.mpesa.account import ResultUrls
from jobs.clients.mpesa.credential import security_credential
from jobs.clients.mpesa.outcomes import Answer, Api
from jobs.clients.mpesa.shillings import whole_shillings
from jobs.clients.mpesa.transport import Daraja


def reverse(daraja: Daraja, *, receipt: str, amount_cents: int, urls: ResultUrls) -> Answer:
    """Ask for the reversal of one receipt. ``RecieverIdentifierType`` is spelled as Daraja does."""
    account = daraja.account
    return daraja.post(
        Api.REVERSAL,
        "/mpesa/reversal/v1/request",
        {
            "Initiator": account.initiator_name,
            "SecurityCredential": security_credential(account),
            "CommandID": "TransactionReversal",
            "TransactionID": receipt,
            "Amount": whole_shillings(amount_cents),
            "ReceiverParty": account.shortcode,
            "RecieverIdentifierType": "11",
            "ResultURL": urls.result,
            "QueueTimeOutURL": urls.timeout,
            "Remarks": "Deposit returned",
        },
    )
