"""Receipts on real processes: an outage, a lost Redis, and every keyword."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from itertools import count
from typing import Any, LiteralString

import psycopg
import pytest
import requests
from redis import Redis

from jobs.queue import Task, ring
from ledger.core.context import Context
from ledger.core.people import NewUser
from ledger.core.plans import Message
from ledger.db import outbox, users
from ledger.db.engine import Database
from tests.e2e.handset import PIN, Handset
from tests.e2e.stack import Running, wait_until

pytestmark = [pytest.mark.xdist_group("outages"), pytest.mark.timeout(420)]
BUSY_SECONDS = 120
"""Every wait ends when its condition comes true; this long only on a machine with other work."""
SYSTEM = Context.of_system("test")
_numbers = count(254_713_000_001)
_PEPPER = "a pepper of the tests, long enough"


@pytest.fixture(scope="module")
def up(troubled_up: Running) -> Running:
    return troubled_up


@pytest.fixture
def database(up: Running) -> Iterator[Database]:
    opened = Database(up.where["database_url"], pin_pepper=_PEPPER, pool_max=2)
    opened.open()
    yield opened
    opened.close()


def join(database: Database, up: Running, language: str = "en") -> Handset:
    """Make a customer straight in the ledger, without SMS and slow PIN: these come after that."""
    phone = Handset(up, str(next(_numbers)))
    new = NewUser(f"+{phone.msisdn}", "Jane", "Wanjiru", language, "1", "ussd")
    with database.transaction(SYSTEM) as connection:
        assert users.insert(connection, new, "no PIN") is not None
    return phone


def faults(up: Running, *rules: dict[str, Any]) -> None:
    answer = requests.put(f"{up.where['standin']}/faults", json={"rules": rules}, timeout=5)
    answer.raise_for_status()


@dataclass
class Books:
    """The database behind the processes, seen and hurried by its owner over one connection."""

    owner: psycopg.Connection
    redis: Redis

    def let_time_pass(self) -> None:
        """Make back-offs and pauses end, as the ten minutes of an outage would."""
        self.owner.execute("SELECT fill_outbox()")
        self.owner.execute(
            "UPDATE outbox SET due_at = now() WHERE state = 'queued' AND due_at > now()"
        )
        self.owner.execute(
            "UPDATE outbox_channels SET paused_until = now()"
            " WHERE failures > 0 AND paused_until > now()"
        )

    def scalar(self, query: LiteralString, *values: object) -> Any:
        row = self.owner.execute(query, values).fetchone()
        assert row is not None
        return row[0]

    def wait_for(
        self, query: LiteralString, expected: object, *values: object, rings: bool = True
    ) -> None:
        """Wait until a query gives a value; back-offs and pauses pass as quickly as can be.

        Without ``rings`` the worker hears of what is due from the sweep alone.
        """

        def comes_true() -> bool:
            self.let_time_pass()
            if rings:
                ring(self.redis, Task.SEND_SMS)
                ring(self.redis, Task.SEND_EMAIL)
            return bool(self.scalar(query, *values) == expected)

        # Each ring is a job or two for the worker.
        wait_until(comes_true, BUSY_SECONDS, pause_seconds=0.2)


@pytest.fixture(scope="module")
def books(up: Running) -> Iterator[Books]:
    with (
        psycopg.connect(up.where["database_url"], autocommit=True) as owner,
        Redis.from_url(up.where["redis_url"]) as redis,
    ):
        yield Books(owner, redis)


@pytest.fixture(autouse=True)
def calm(up: Running, books: Books) -> None:
    """Start without faults and without a pause that another test left."""
    faults(up)
    books.let_time_pass()


def pay(phone: Handset, amount: int) -> None:
    """Pay by paybill to the phone's own wallet."""
    account = "0" + phone.msisdn.removeprefix("254")
    phone._post("/paybill", amount=amount, account=account)


def receipts(phone: Handset) -> list[str]:
    return [text for text in phone.inbox() if "Confirmed." in text]


def test_fifty_deposits_in_an_outage_give_fifty_receipts(
    up: Running, database: Database, books: Books
) -> None:
    phones = [join(database, up) for _ in range(50)]
    numbers = [f"+{phone.msisdn}" for phone in phones]
    with database.transaction(SYSTEM) as connection:
        connection.execute(
            "UPDATE users SET email = id || '@fifty.example', email_confirmed_at = now()"
            " WHERE msisdn = ANY (%s)",
            (numbers,),
        )
    faults(up, {"at": "at.send", "do": "html503"}, {"at": "smtp", "do": "drop"})
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda phone: pay(phone, 500), phones))
    credited = (
        "SELECT count(*) FROM accounts AS a JOIN users AS u ON u.id = a.user_id"
        " WHERE u.msisdn = ANY (%s) AND a.balance = 50000"
    )
    books.wait_for(credited, 50, numbers)
    books.wait_for("SELECT count(*) FROM outbox_channels WHERE failures >= 2", 2)
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(receipts, phones)) == [[]] * 50
    faults(up)

    books.wait_for("SELECT count(*) FROM outbox WHERE state IN ('queued', 'sending')", 0)
    with ThreadPoolExecutor(8) as pool:
        assert [len(found) for found in pool.map(receipts, phones)] == [1] * 50
    mails = requests.get(f"{up.where['standin']}/mail", timeout=30).json()
    assert len([mail for mail in mails if "@fifty.example" in str(mail["to"])]) == 50
    delivered = "SELECT count(*) FROM outbox WHERE recipient = ANY (%s) AND state = 'delivered'"
    books.wait_for(delivered, 50, numbers)


def test_a_hundred_receipts_outlive_redis(up: Running, database: Database, books: Books) -> None:
    faults(up, {"at": "at.send", "do": "drop"})
    numbers = [f"+{next(_numbers)}" for _ in range(100)]
    with database.transaction(SYSTEM) as connection:
        for index, number in enumerate(numbers):
            values = {"amount": 100_00 + index}
            outbox.put(connection, Message(None, number, "en", "deposit_failed", values))
    books.wait_for("SELECT failures > 0 FROM outbox_channels WHERE channel = 'sms'", True)
    books.redis.flushall()
    faults(up)

    sent = "SELECT count(*) FROM outbox WHERE recipient = ANY (%s) AND sent_at IS NOT NULL"
    books.wait_for(sent, 100, numbers, rings=False)
    with ThreadPoolExecutor(8) as pool:
        phones = [Handset(up, number.removeprefix("+")) for number in numbers]
        assert [len(inbox) for inbox in pool.map(Handset.inbox, phones)] == [1] * 100


def text_to_cycle(up: Running, phone: Handset, text: str) -> str:
    """Text the short code and return the answer."""
    before = len(phone.inbox())
    phone._post("/sms", to=up.where["sms_code"], text=text)
    wait_until(lambda: len(phone.inbox()) > before, BUSY_SECONDS)
    return phone.inbox()[before]


@pytest.mark.parametrize(
    ("language", "texts"),
    [
        (
            "en",
            {
                "BAL": "Balance by SMS is off",
                "MINI": "Cycle\n",
                "SEND 200 {other}": "To send Ksh200.00 to Jane Wanjiru",
                "WITHDRAW 300": "To withdraw Ksh300.00",
                "RECEIPT": "{receipt} Confirmed. Ksh500.00 deposited",
                "STMT": "We have no confirmed",
                "EMAIL jane@mfano.co.ke": "We sent a code to jane@mfano.co.ke",
                "HELP": "Text BAL, DEP 500",
                "DEP 400": "An M-PESA request for Ksh400.00",
                "gibberish": "Text BAL, DEP, SEND",
                "STOP": "You will get no more SMS",
                "START": "You will get receipts",
                "LANG SW": "Kuanzia sasa",
            },
        ),
        (
            "sw",
            {
                "SALIO": "Salio kwa SMS limezimwa",
                "TAARIFA": "Cycle\n",
                "TUMA 200 {other}": "Kutuma Ksh200.00 kwa Jane Wanjiru",
                "TOA 300": "Kutoa Ksh300.00",
                "RISITI": "{receipt} Imethibitishwa. Ksh500.00 imewekwa",
                "STMT": "Hatuna barua pepe yako",
                "EMAIL jina@mfano.co.ke": "Tumetuma nambari kwa jina@mfano.co.ke",
                "MSAADA": "Tuma SALIO, WEKA 500",
                "WEKA 400": "Ombi la M-PESA la Ksh400.00",
                "upuuzi": "Tuma SALIO, WEKA",
                "ACHA": "Hutapata tena SMS",
                "ANZA": "Utapata tena risiti",
                "LUGHA EN": "From now on",
            },
        ),
    ],
    ids=["en", "sw"],
)
def test_every_keyword_from_a_phone(
    up: Running, database: Database, language: str, texts: dict[str, str]
) -> None:
    phone, other = join(database, up, language), join(database, up)
    pay(phone, 500)
    confirmed = "Confirmed." if language == "en" else "Imethibitishwa."
    receipt = phone.wait_for_sms(confirmed, BUSY_SECONDS).split()[0]
    local = "0" + other.msisdn.removeprefix("254")
    for text, expected in texts.items():
        answer = text_to_cycle(up, phone, text.format(other=local))
        assert answer.startswith(expected.format(receipt=receipt)), (text, answer)
    prompt = phone.prompt()
    assert prompt["amount"] in ("400", 400, "400.00")


def test_a_transfer_prepared_by_text_is_made_with_the_pin_and_told_to_both(up: Running) -> None:
    sender, recipient = (Handset(up, str(next(_numbers))) for _ in range(2))
    sender.register()
    recipient.register()
    pay(sender, 500)
    sender.wait_for_sms("Confirmed.", BUSY_SECONDS)
    local = "0" + recipient.msisdn.removeprefix("254")
    answer = text_to_cycle(up, sender, f"send ksh 200 to {local}")
    assert answer.startswith("To send Ksh200.00 to Jane Wanjiru")
    assert "asked to send Ksh200.00" in sender.dial()
    assert "Confirmed. Ksh200.00 sent" in sender.dial("1", PIN)
    sent = sender.wait_for_sms("Ksh200.00 sent to", BUSY_SECONDS)
    received = recipient.wait_for_sms("You have received Ksh200.00", BUSY_SECONDS)
    assert sent.split()[0] == received.split()[0]
    assert "asked to send" not in sender.dial()


def mails_to(up: Running, address: str) -> list[EmailMessage]:
    """Return the mails that reached an address, oldest first."""
    found = []
    for listed in requests.get(f"{up.where['standin']}/mail", timeout=5).json():
        raw = requests.get(f"{up.where['standin']}/mail/{listed['id']}", timeout=5).content
        mail = message_from_bytes(raw, policy=default)
        if mail["To"] == address:
            found.append(mail)
    return found


def test_an_address_is_confirmed_and_gets_a_statement_as_pdf(
    up: Running, database: Database
) -> None:
    phone = join(database, up)
    address = f"jane{phone.msisdn}@mfano.co.ke"
    assert text_to_cycle(up, phone, f"EMAIL {address}").startswith("We sent a code")
    wait_until(lambda: bool(mails_to(up, address)), BUSY_SECONDS)
    body = mails_to(up, address)[0].get_body(("plain",))
    assert body is not None
    code = re.search(r"EMAIL (\d{6})", body.get_content())
    assert code is not None
    assert text_to_cycle(up, phone, f"EMAIL {code[1]}").startswith("Your e-mail address")
    text_to_cycle(up, phone, "STMT")
    phone.wait_for_sms("Your statement is being made", BUSY_SECONDS)
    wait_until(lambda: len(mails_to(up, address)) == 2, BUSY_SECONDS)
    (attached,) = mails_to(up, address)[1].iter_attachments()
    assert attached.get_content_type() == "application/pdf"
    assert attached.get_content().startswith(b"%PDF")
    phone.wait_for_sms("Your Cycle statement from", BUSY_SECONDS)
