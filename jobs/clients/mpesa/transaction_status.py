"""Transaction status (Daraja 1.9): ask what became of a payment; the answer is a callback."""

from jobs.clients.mpesa.account import ResultUrls
from jobs.clients.mpesa.credential import security_credential
from jobs.clients.mpesa.outcomes import Answer, Api
from jobs.clients.mpesa.transport import Daraja


def ask(
    daraja: Daraja,
    *,
    urls: ResultUrls,
    receipt: str | None = None,
    original_conversation_id: str | None = None,
    shortcode: str | None = None,
) -> Answer:
    """Ask by receipt or by the conversation id of the original request, one of the two.

    ``shortcode`` is the one that took part; the payout shortcode when left out.
    """
    if (receipt is None) == (original_conversation_id is None):
        raise ValueError("name a receipt or an original conversation id")
    account = daraja.account
    payload: dict[str, object] = {
        "Initiator": account.initiator_name,
        "SecurityCredential": security_credential(account),
        "CommandID": "TransactionStatusQuery",
        "PartyA": shortcode or account.payout_shortcode,
        "IdentifierType": "4",
        "ResultURL": urls.result,
        "QueueTimeOutURL": urls.timeout,
        "Remarks": "Status",
        "Occasion": "Status",
    }
    if receipt is not None:
        payload["TransactionID"] = receipt
    else:
        payload["OriginalConversationID"] = original_conversation_id
    return daraja.post(Api.TRANSACTION_STATUS, "/mpesa/transactionstatus/v1/query", payload)
