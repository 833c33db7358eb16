"""The product's M-Pesa side in one process: hooks, tasks and ledger against a scripted Daraja."""

import json
import random
from datetime import timedelta
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from jobs.services import JobServices
from jobs.tasks import process_callbacks, query_payments, submit_payments
from ledger.commands import deposits, withdrawals
from ledger.core.context import Context
from ledger.core.payments import Payment
from ledger.core.people import NewUser, User
from ledger.core.refusals import Refusal
from ledger.db import callbacks, payments, users
from ledger.db.callbacks import Callback
from ledger.queries import wallets
from tests.gateway import Gateway, Reply, said
from tests.msisdns import new_msisdn

TEST = Context.of_system("test")


class MpesaWorld:
    """What the tests of payments do: act as a customer, as Daraja and as the worker."""

    def __init__(self, services: JobServices, client: FlaskClient, gateway: Gateway) -> None:
        self.services = services
        self.database = services.database
        self.client = client
        self.gateway = gateway
        self.serial = 0
        self.sync: dict[str, Reply] = {}
        gateway.reply = self._answer

    def _answer(self, path: str, token: str, body: dict[str, object]) -> Reply:
        for part, reply in self.sync.items():
            if part in path:
                return reply
        self.serial += 1
        unique = f"{random.getrandbits(48):012x}"
        if "stkpush/" in path:
            return said(
                ResponseCode="0",
                MerchantRequestID=f"1f2e-4c11-{unique}",
                CheckoutRequestID=f"ws_CO_{unique}",
            )
        if "stkpushquery" in path:
            return said(500, errorCode="500.001.1001", errorMessage="is being processed")
        return said(
            ResponseCode="0",
            ConversationID=f"AG_20261123_{unique}",
            OriginatorConversationID=body.get("OriginatorConversationID"),
        )

    # The customer ------------------------------------------------------------------------

    def customer(self, wallet_shillings: int = 0) -> User:
        new = NewUser(new_msisdn(), "Amina", "Otieno", "en", "1", "ussd")
        with self.database.transaction(TEST) as connection:
            # Nobody signs in here, so no PIN is hashed.
            user_id = users.insert(connection, new, "no PIN")
            if user_id is None:
                return self.customer(wallet_shillings)
            user = users.get(connection, user_id)
        assert user is not None
        if wallet_shillings:
            payment = self.deposit(user, wallet_shillings)
            self.submit()
            self.call_back(self.reload(payment))
            self.process()
        return user

    def deposit(self, user: User, shillings: int) -> Payment:
        payment = self.try_deposit(user, shillings)
        assert isinstance(payment, Payment), payment
        return payment

    def try_deposit(self, user: User, shillings: int, key: str = "") -> Payment | Refusal:
        return deposits.request_deposit(
            self.database,
            Context.of_user(user.id, "ussd"),
            user.id,
            shillings * 100,
            source="test",
            reference=key or f"{random.getrandbits(64):x}",
        )

    def withdraw(self, user: User, shillings: int, to: str | None = None) -> Payment:
        payment = self.try_withdraw(user, shillings, to=to)
        assert isinstance(payment, Payment), payment
        return payment

    def try_withdraw(
        self, user: User, shillings: int, key: str = "", to: str | None = None
    ) -> Payment | Refusal:
        return withdrawals.request_withdrawal(
            self.database,
            Context.of_user(user.id, "ussd"),
            user.id,
            shillings * 100,
            source="test",
            reference=key or f"{random.getrandbits(64):x}",
            to=to,
        )

    # The worker --------------------------------------------------------------------------

    def hasten(self) -> None:
        """Make everything that waits for a time due now."""
        with self.database.transaction(TEST) as connection:
            connection.execute("UPDATE payments SET due_at = now() WHERE due_at IS NOT NULL")
            connection.execute("UPDATE mpesa_callbacks SET due_at = now() WHERE due_at > now()")

    def submit(self) -> None:
        self.hasten()
        submit_payments.run(self.services)

    def process(self) -> None:
        self.hasten()
        process_callbacks.run(self.services)

    def query(self) -> None:
        """Ask one round of questions."""
        with self.database.transaction(TEST) as connection:
            connection.execute(
                "UPDATE payments SET due_at = now() WHERE due_at IS NOT NULL AND state <> 'created'"
            )
        query_payments.run(self.services)

    def age(self, payment: Payment, span: timedelta) -> None:
        """Pretend that a payment was requested earlier."""
        with self.database.transaction(TEST) as connection:
            connection.execute(
                "UPDATE payments SET created_at = created_at - %s, submitted_at = submitted_at - %s"
                " WHERE id = %s",
                (span, span, payment.id),
            )

    # Daraja ------------------------------------------------------------------------------

    def post(self, path: str, body: object) -> TestResponse:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.client.post(path, data=raw, content_type="application/json")

    def call_back(
        self, payment: Payment, *, token: str | None = None, **changes: Any
    ) -> TestResponse:
        """Post the stkCallback of a payment; a change of None leaves the value out."""
        body = prompt_body(payment, **changes)
        return self.post(f"/hooks/stk/{token or payment.token}", body)

    def result(
        self, payment: Payment, code: object = 0, *, route: str = "result", **changes: Any
    ) -> TestResponse:
        """Post the result of a payout or a reversal."""
        return self.post(
            f"/hooks/b2c/{payment.token}/{route}", result_body(payment, code, **changes)
        )

    def status(self, payment: Payment, fate: str, outer: object = 0) -> TestResponse:
        """Post the answer to a transaction status question."""
        parameters = [
            {"Key": "TransactionStatus", "Value": fate},
            {"Key": "ReceiptNo", "Value": new_mpesa_receipt()},
            {"Key": "Amount", "Value": payment.amount // 100},
            {"Key": "DebitPartyName", "Value": "600310 - A"},
            {"Key": "DebitPartyName", "Value": "600310 - A"},
            {"Key": "TransactionReason"},
        ]
        body = {
            "Result": {
                "ResultType": "0",
                "ResultCode": outer,
                "ResultDesc": "...",
                "ConversationID": "AG_20261123_of_the_question",
                "TransactionID": "TKN0000000",
                "ResultParameters": {"ResultParameter": parameters},
            }
        }
        return self.post(f"/hooks/status/{payment.token}/result", body)

    def paybill(self, what: str = "confirm", **changes: Any) -> TestResponse:
        key = self.services.settings.mpesa_c2b_keys[0].get_secret_value()
        return self.post(f"/hooks/c2b/{key}/{what}", paybill_body(**changes))

    def paybill_payments(self, receipt: str) -> list[Payment]:
        with self.database.transaction(TEST) as connection:
            found = payments.find_by_receipt(connection, receipt)
        return [] if found is None else [found]

    # What came of it ---------------------------------------------------------------------

    def reload(self, payment: Payment) -> Payment:
        with self.database.transaction(TEST) as connection:
            found = payments.get(connection, payment.id)
        assert found is not None
        return found

    def balance(self, user: User) -> int:
        cents = wallets.balance(self.database, TEST, user.id)
        assert isinstance(cents, int)
        return cents

    def told(self, user: User) -> list[str]:
        """Return the templates of the messages to a customer about money, oldest first."""
        with self.database.transaction(TEST) as connection:
            connection.execute("SELECT fill_outbox()")
            rows = connection.execute(
                "SELECT template FROM outbox WHERE user_id = %s AND template <> 'welcome'"
                " ORDER BY created_at, id",
                (user.id,),
            ).fetchall()
        return [row["template"] for row in rows]

    def inbox(self, token: str) -> list[Callback]:
        """Return what was posted under a token, oldest first."""
        with self.database.transaction(TEST) as connection:
            return callbacks.of_token(connection, token)

    def verdicts(self, token: str) -> list[tuple[str, str | None]]:
        return [(callback.state, callback.verdict) for callback in self.inbox(token)]


def new_mpesa_receipt() -> str:
    return "TK" + "".join(random.choices("ABCDEFGHJKLMNPQRSTUVWXYZ23456789", k=8))


def prompt_body(payment: Payment, **changes: Any) -> dict[str, Any]:
    """Return the success stkCallback that fits a payment, with changes by field name."""
    assert payment.msisdn is not None
    fields = {
        "ResultCode": 0,
        "ResultDesc": "The service request is processed successfully.",
        "MerchantRequestID": payment.merchant_request_id or "m-1",
        "CheckoutRequestID": payment.checkout_request_id,
        "Amount": payment.amount // 100,
        "MpesaReceiptNumber": new_mpesa_receipt(),
        "TransactionDate": 20261123121530,
        "PhoneNumber": int(payment.msisdn.removeprefix("+")),
        **changes,
    }
    outer = ("ResultCode", "ResultDesc", "MerchantRequestID", "CheckoutRequestID")
    callback = {name: fields[name] for name in outer if fields[name] is not None}
    if fields["ResultCode"] in (0, "0"):
        inner = ("Amount", "MpesaReceiptNumber", "TransactionDate", "PhoneNumber")
        items = [
            {"Name": name, "Value": fields[name]} for name in inner if fields[name] is not None
        ]
        callback["CallbackMetadata"] = {"Item": [*items, {"Name": "Balance"}]}
    return {"Body": {"stkCallback": callback}}


def result_body(payment: Payment, code: object = 0, **changes: Any) -> dict[str, Any]:
    """Return the Result envelope that fits a payout or a reversal."""
    receipt = new_mpesa_receipt()
    result: dict[str, Any] = {
        "ResultType": 0,
        "ResultCode": code,
        "ResultDesc": "The service request is processed successfully.",
        "OriginatorConversationID": payment.originator_conversation_id or "",
        "ConversationID": payment.conversation_id or "AG_20261123_unknown",
        "TransactionID": receipt,
        "ReferenceData": {"ReferenceItem": {"Key": "QueueTimeoutURL", "Value": "https://internal"}},
    }
    if code in (0, "0"):
        result["ResultParameters"] = {
            "ResultParameter": [
                {"Key": "TransactionAmount", "Value": payment.amount // 100},
                {"Key": "TransactionReceipt", "Value": receipt},
                {"Key": "TransactionCompletedDateTime", "Value": "23.11.2026 12:15:30"},
                {"Key": "B2CUtilityAccountAvailableFunds", "Value": 8959269.60},
            ]
        }
    return {"Result": result | changes}


def paybill_body(**changes: Any) -> dict[str, Any]:
    """Return a paybill notice; a change of None leaves the field out."""
    fields = {
        "TransactionType": "Pay Bill",
        "TransID": new_mpesa_receipt(),
        "TransTime": "20261123121530",
        "TransAmount": "100.00",
        "BusinessShortCode": "600966",
        "BillRefNumber": "0700000126",
        "InvoiceNumber": "",
        "OrgAccountBalance": "25.00",
        "ThirdPartyTransID": "",
        "MSISDN": "2547 ***** 126",
        "FirstName": "JANE",
        "MiddleName": "",
        "LastName": "DOE",
        **changes,
    }
    return {name: value for name, value in fields.items() if value is not None}
