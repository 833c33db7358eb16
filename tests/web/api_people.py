"""Customers and staff for the API's tests, made over the API and the ledger's commands."""

import itertools
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from ledger.core.chart import Kind, SystemAccount
from ledger.core.context import Context
from ledger.core.plans import Plan, Posted
from ledger.db import kernel, users
from ledger.db.engine import Database
from ledger.one_time_codes import code_of
from tests.msisdns import new_msisdn
from ussd_app.settings import Settings

PIN = "8317"
SYSTEM = Context.of_system("test")


@dataclass
class ApiCustomer:
    """A customer who talks to the API."""

    client: FlaskClient
    msisdn: str
    user_id: int
    tokens: dict[str, Any]
    keys: Iterator[int] = field(default_factory=itertools.count)

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.tokens['accessToken']}"}

    def get(self, path: str, **query: str | int) -> TestResponse:
        return self.client.get(path, query_string=query, headers=self.headers)

    def post(self, path: str, body: Any, *, key: str | None = None) -> TestResponse:
        headers = {**self.headers, "Idempotency-Key": key or f"key-{next(self.keys)}"}
        return self.client.post(path, json=body, headers=headers)

    def send(self, to: str, amount: str, *, key: str | None = None, pin: str = PIN) -> TestResponse:
        body = {"recipientPhone": to, "amount": amount, "pin": pin}
        return self.post("/api/wallet/transfer", body, key=key)

    @property
    def balance(self) -> str:
        answer = self.get("/api/wallet/balance")
        assert answer.status_code == 200, answer.text
        balance: str = answer.json["balance"]
        return balance


def last_code(database: Database, settings: Settings, msisdn: str) -> str:
    """Return the digits of the newest code that an SMS to a number would carry."""
    with database.transaction(SYSTEM) as connection:
        row = connection.execute(
            "SELECT params FROM outbox WHERE recipient = %s AND template = 'one_time_code'"
            " ORDER BY id DESC LIMIT 1",
            (msisdn,),
        ).fetchone()
    assert row is not None, "no code was sent"
    nonce = bytes.fromhex(row["params"]["nonce"])
    code = code_of(settings.pin_pepper.get_secret_value(), nonce)
    assert re.fullmatch(r"[0-9]{6}", code)
    return code


def ask_code(client: FlaskClient, msisdn: str, purpose: str) -> None:
    answer = client.post("/api/auth/otp", json={"phone": msisdn, "purpose": purpose})
    assert answer.status_code == 202, answer.text


def join(
    client: FlaskClient,
    database: Database,
    settings: Settings,
    *,
    first: str = "Wanjiku",
    balance: int = 0,
) -> ApiCustomer:
    """Register a customer over the API, with cents in the wallet."""
    msisdn = new_msisdn()
    ask_code(client, msisdn, "registration")
    answer = client.post(
        "/api/auth/register",
        json={
            "phone": msisdn,
            "otp": last_code(database, settings, msisdn),
            "pin": PIN,
            "firstName": first,
            "lastName": "Kamau",
        },
    )
    assert answer.status_code == 201, answer.text
    customer = ApiCustomer(client, msisdn, int(answer.json["userId"]), answer.json)
    if balance:
        put_money(database, customer.user_id, balance)
    return customer


def put_money(database: Database, user_id: int, cents: int) -> None:
    """Credit a wallet from the float, as a deposit would."""

    def work(connection: Any) -> Any:
        user = users.get(connection, user_id)
        assert user is not None
        plan = Plan(
            kind=Kind.DEPOSIT,
            source="test",
            reference=f"fund:{user_id}:{random.random()}",
            debits={SystemAccount.CASH: cents, user.wallet_account_id: -cents},
            request={"amount": cents},
            details={"from": {"name": "M-Pesa", "msisdn": ""}},
        )
        return kernel.post(connection, SYSTEM, plan)

    assert isinstance(database.run(SYSTEM, work), Posted)
