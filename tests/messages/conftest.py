"""The stand-in's SMS side and the tasks that use it, on real servers."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any
from uuid import uuid4

import psycopg
import pytest
import requests
from flask import Flask
from flask.testing import FlaskClient
from pydantic import SecretStr
from redis import Redis

from jobs.clients.redis import connect
from jobs.services import JobServices
from jobs.tasks import apply_sms_reports, send_sms
from ledger.commands.register import register
from ledger.core.chart import Kind, SystemAccount
from ledger.core.context import Context
from ledger.core.people import NewUser, User
from ledger.core.plans import Message, Plan, Posted, moving
from ledger.db import kernel, outbox
from ledger.db.engine import Database
from ledger.queries import users
from standin.server import Server
from standin.settings import StandinSettings
from tests.msisdns import new_msisdn
from tests.quick_hashing import open_database
from tests.servers import Servers
from tests.web_process import web_process
from ussd_app.services import Services
from ussd_app.settings import Settings
from ussd_app.tasks import process_inbound_sms

SYSTEM = Context.of_system("test")


@pytest.fixture(scope="session")
def messages_standin(settings: Settings) -> Iterator[Server]:
    """The outside world; it knows the product's keys and reports to nobody."""
    server = Server(
        StandinSettings(
            mpesa_consumer_key="key",
            mpesa_consumer_secret="secret",
            mpesa_passkey="passkey",
            mpesa_initiator_name="initiator",
            mpesa_initiator_password="password",
            public_url="http://127.0.0.1:9",
            at_username=settings.at_username,
            at_api_key=settings.at_api_key.get_secret_value(),
            at_sender_id=settings.at_sender_id or "",
            at_callback_keys=settings.at_callback_keys[0].get_secret_value(),
        )
    )
    server.start()
    yield server
    server.stop()


@pytest.fixture
def standin(messages_standin: Server) -> Server:
    """The outside world as at start."""
    requests.post(f"{messages_standin.url}/reset", timeout=15).raise_for_status()
    return messages_standin


@dataclass
class Texting:
    """What a test does with the outbox: queue, send, look at phones and rows."""

    services: JobServices
    standin: Server

    @property
    def database(self) -> Database:
        return self.services.database

    def queue(
        self,
        recipient: str,
        template: str = "deposit_failed",
        user_id: int | None = None,
        **params: Any,
    ) -> int:
        values = params or {"amount": 50000}
        with self.database.transaction(SYSTEM) as connection:
            return outbox.put(connection, Message(user_id, recipient, "en", template, values))

    def send(self) -> None:
        send_sms.run(self.services)

    def apply_reports(self) -> None:
        apply_sms_reports.run(self.services)

    def let_time_pass(self) -> None:
        """Make everything that waits due now, pauses included."""
        with self.database.transaction(SYSTEM) as connection:
            connection.execute(
                "UPDATE outbox SET due_at = now() WHERE state IN ('queued', 'sending')"
            )
            connection.execute("UPDATE outbox_channels SET paused_until = now() WHERE failures > 0")

    def row(self, message_id: int) -> dict[str, Any]:
        with self.database.transaction(SYSTEM) as connection:
            found = connection.execute(
                "SELECT * FROM outbox WHERE id = %s", (message_id,)
            ).fetchone()
        assert found is not None
        return found

    def rows(self, where: str = "true") -> list[dict[str, Any]]:
        with self.database.transaction(SYSTEM) as connection:
            connection.execute("SELECT fill_outbox()")
            return connection.execute(f"SELECT * FROM outbox WHERE {where} ORDER BY id").fetchall()

    def channel(self, name: str = "sms") -> dict[str, Any]:
        with self.database.transaction(SYSTEM) as connection:
            found = connection.execute(
                "SELECT * FROM outbox_channels WHERE channel = %s", (name,)
            ).fetchone()
        assert found is not None
        return found

    def inbox(self, msisdn: str) -> list[str]:
        """Return the texts on a phone, oldest first."""
        phone = msisdn.removeprefix("+")
        answer = requests.get(f"{self.standin.url}/handset/{phone}/inbox", timeout=5).json()
        return [message["text"] for message in answer]

    def calls(self) -> list[dict[str, Any]]:
        """Return the requests that reached the SMS API."""
        answer = requests.get(f"{self.standin.url}/requests", timeout=5).json()
        return [call for call in answer if "messaging" in call["path"]]

    def fault(self, **rule: object) -> None:
        self.standin.world.faults.load({"rules": [rule]})

    def join(self, first_name: str = "Wanjiku", language: str = "en") -> User:
        """Register a new customer whose PIN is 4826."""
        new = NewUser(new_msisdn(), first_name, "Kamau", language, "1", "ussd")
        user = register(self.database, SYSTEM, new, "4826")
        assert isinstance(user, User)
        return user

    def give(self, user: User, cents: int) -> None:
        """Put money into a wallet."""
        plan = Plan(
            kind=Kind.DEPOSIT,
            source="test",
            reference=uuid4().hex,
            debits=moving(cents, debit=SystemAccount.CASH, credit=user.wallet_account_id),
            request={"amount": cents},
        )
        posted = self.database.call(lambda connection: kernel.post(connection, SYSTEM, plan))
        assert isinstance(posted, Posted)

    def user(self, user_id: int) -> User:
        found = users.get(self.database, SYSTEM, user_id)
        assert found is not None
        return found

    def no_faults(self) -> None:
        self.standin.world.faults.load({"rules": []})


@pytest.fixture(scope="session")
def messages_owner_url(servers: Servers) -> Iterator[str]:
    """A database in which nothing but these tests' messages is due."""
    url = servers.clone()
    yield url
    servers.drop(url)


@pytest.fixture(scope="session")
def messages_app(
    messages_owner_url: str, settings: Settings, redis_url: str, messages_standin: Server
) -> Iterator[Flask]:
    """One app for all tests of messages, on that database and that outside world."""
    own = settings.model_copy(
        update={
            "database_url": SecretStr(messages_owner_url),
            "at_base_url": f"{messages_standin.url}/at",
        }
    )
    database, redis = open_database(own), connect(redis_url)
    with web_process(Services(own, database, redis)) as app:
        yield app
    redis.close()
    database.close()


@pytest.fixture
def texting(
    messages_owner_url: str, messages_app: Flask, redis_client: Redis, standin: Server
) -> Texting:
    """An empty outbox, the stand-in and the tasks between them."""
    with psycopg.connect(messages_owner_url, autocommit=True) as owner:
        owner.execute("TRUNCATE outbox, sms_reports, inbound_sms, outbox_channels")
        owner.execute("SET ROLE cycle_app")
        owner.execute("SELECT set_config('cycle.actor', 'system:test', false)")
        owner.execute("INSERT INTO outbox_channels (channel) VALUES ('sms'), ('email')")
    parts: Services = messages_app.extensions["cycle"]
    return Texting(JobServices(parts.settings, parts.database, redis_client), standin)


@pytest.fixture
def web(texting: Texting, messages_app: Flask) -> FlaskClient:
    """The web process on the same servers."""
    return messages_app.test_client()


@pytest.fixture
def at_path(settings: Settings) -> str:
    """The path under which Africa's Talking may call."""
    return f"/at/{settings.at_callback_keys[0].get_secret_value()}"


_ids = count(1)
Ask = Callable[..., str | None]


def post(web: FlaskClient, path: str, sender: str, text: str, **fields: str) -> int:
    form = {
        "id": f"id-{next(_ids)}",
        "from": sender,
        "to": "22929",
        "text": text,
        "date": "2026-11-23T18:05:00Z",
        "networkCode": "63902",
        "linkId": "link",
        **fields,
    }
    return web.post(f"{path}/sms", data=form).status_code


@pytest.fixture
def ask(texting: Texting, web: FlaskClient, at_path: str) -> Ask:
    """Text something and return the answer on the phone, or None."""

    def ask(sender: str, text: str, **fields: str) -> str | None:
        before = len(texting.inbox(sender))
        assert post(web, at_path, sender, text, **fields) == 200
        process_inbound_sms.run(texting.services)
        texting.send()
        new = texting.inbox(sender)[before:]
        assert len(new) <= 1, new
        return new[0] if new else None

    return ask


@pytest.fixture
def user(texting: Texting) -> User:
    """A customer with an empty wallet who has got the welcome."""
    joined = texting.join()
    texting.send()
    return joined
