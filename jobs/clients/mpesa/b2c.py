"""B2C version 3 (Daraja 1.8): pay a customer."""

from jobs.clients.mpesa.account import ResultUrls
from jobs.clients.mpesa.credential import security_credential
from jobs.clients.mpesa.outcomes import Answer, Api
from jobs.clients.mpesa.shillings import whole_shillings
from jobs.clients.mpesa.transport import Daraja

_REMARKS_LENGTHS = range(2, 101)


def pay(
    daraja: Daraja,
    *,
    originator_conversation_id: str,
    amount_cents: int,
    msisdn: str,
    remarks: str,
    urls: ResultUrls,
) -> Answer:
    """Send one payout; the originator id must be stored before the call.

    Sending the same id again is safe: Daraja answers ``duplicate`` when it has it.
    An accepted answer holds ConversationID.
    """
    if len(remarks) not in _REMARKS_LENGTHS:
        raise ValueError("remarks are 2 to 100 characters")
    account = daraja.account
    return daraja.post(
        Api.B2C,
        "/mpesa/b2c/v3/paymentrequest",
        {
            "OriginatorConversationID": originator_conversation_id,
            "InitiatorName": account.initiator_name,
            "SecurityCredential": security_credential(account),
            "CommandID": "BusinessPayment",
            "Amount": whole_shillings(amount_cents),
            "PartyA": account.payout_shortcode,
            "PartyB": msisdn.removeprefix("+"),
            "Remarks": remarks,
            "QueueTimeOutURL": urls.timeout,
            "ResultURL": urls.result,
            "Occassion": "",
        },
    )
