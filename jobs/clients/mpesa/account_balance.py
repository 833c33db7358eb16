"""Account balance (Daraja 1.10): ask for the float; the answer is a callback."""

from jobs.clients.mpesa.account import ResultUrls
from jobs.clients.mpesa.credential import security_credential
from jobs.clients.mpesa.outcomes import Answer, Api
from jobs.clients.mpesa.transport import Daraja


def ask(daraja: Daraja, *, shortcode: str, urls: ResultUrls) -> Answer:
    """Ask for the balances of all accounts of one shortcode."""
    account = daraja.account
    return daraja.post(
        Api.ACCOUNT_BALANCE,
        "/mpesa/accountbalance/v1/query",
        {
            "Initiator": account.initiator_name,
            "SecurityCredential": security_credential(account),
            "CommandID": "AccountBalance",
            "PartyA": shortcode,
            "IdentifierType": "4",
            "Remarks": "Float",
            "QueueTimeOutURL": urls.timeout,
            "ResultURL": urls.result,
        },
    )
