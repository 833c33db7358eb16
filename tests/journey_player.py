"""Reads the dialogues of tests/journeys and plays them on phones over HTTP.

A file begins with its title. Then, a line each:

    customer: Jane Wanjiru, en, 700.00      who holds the phone (language, wallet)
    friend: John Otieno, sw, 0.00           a second phone
    stranger                                a phone without a wallet
    dial / dial 2*500                       opens a session, perhaps by a long dial string
    > 1                                     an answer; {friend} stands for a number, {start pin}
                                            and {mailed code} for digits that were sent
    again                                   the gateway repeats the hop
    hang up                                 the session breaks off
    texts SEND 200 {friend}                 an SMS to the short code, acted on at once
    as friend / as customer                 the other phone is used from here on
    sms: transfer_sent                      the newest text to this phone
    wallet: 500.00                          what is in this wallet
    opts out                                this phone texted STOP
    email: jane@example.com                 an address noted by SMS keyword
    limit: withdrawal_other 10 300 400      shillings at least, at most and a day, from now on
    tariff: withdrawal 5                    shillings that everything of this kind costs

Indented lines are the screen that must show; {*} stands for any words.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

from flask.testing import FlaskClient

from jobs.clients.redis import connect
from jobs.services import JobServices
from ledger.commands import messaging
from ledger.core.context import Context
from ledger.core.money import grouped_text, parse_amount
from ledger.core.msisdn import local_form, mask_msisdn
from ledger.db.engine import Database
from ledger.one_time_codes import code_of, start_pin_of
from ledger.queries import users, wallets
from tests.db.people import PIN, SYSTEM, new_user
from tests.limits import set_fee, set_limit
from tests.msisdns import new_msisdn
from ussd_app.settings import Settings
from ussd_app.tasks import process_inbound_sms

FOLDER = Path(__file__).parent / "journeys"
_PATTERNS = {
    "receipt": "[2-9A-HJKMNP-Z]{10}",
    "ticket": "T[2-9A-HJKMNP-Z]{6}",
    "clock": "[0-9]{1,2}:[0-9]{2} [AP]M",
    "day": "[0-9]{1,2}/[0-9]{1,2}/[0-9]{2}",
    "*": ".*",
}


@dataclass(frozen=True)
class Line:
    """One thing that happens, and the screen that must show after it."""

    number: int
    does: str
    shows: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Dialogue:
    """One file."""

    path: Path
    title: str
    lines: list[Line]


def dialogues() -> list[Dialogue]:
    """Return every file of the folder, by name."""
    return [read(path) for path in sorted(FOLDER.glob("*.txt"))]


def read(path: Path) -> Dialogue:
    """Read one file."""
    title, *rest = path.read_text("utf-8").splitlines()
    lines: list[Line] = []
    for number, text in enumerate(rest, start=2):
        if not text.strip():
            continue
        if text.startswith("    "):
            lines[-1].shows.append(text[4:])
        else:
            lines.append(Line(number, text.strip()))
    return Dialogue(path, title, lines)


class Handset:
    """A phone behind the gateway: it joins its answers with stars and keeps the last screen."""

    def __init__(self, client: FlaskClient, settings: Settings, msisdn: str) -> None:
        self._client = client
        self._settings = settings
        self.msisdn = msisdn
        self.session = ""
        self.text = ""
        self.screen = ""
        self.labels: list[str] = []

    def dial(self, tokens: str = "") -> str:
        self.session, self.text = f"ATUid_{uuid4().hex}", tokens
        return self.post()

    def reply(self, typed: str) -> str:
        self.text = f"{self.text}*{typed}" if self.text else typed
        return self.post()

    def post(self) -> str:
        key = self._settings.at_callback_keys[0].get_secret_value()
        response = self._client.post(
            f"/at/{key}/ussd",
            data={
                "sessionId": self.session,
                "phoneNumber": self.msisdn,
                "networkCode": "63902",
                "serviceCode": self._settings.ussd_code,
                "text": self.text,
            },
        )
        assert response.status_code == 200
        self.screen = response.get_data(as_text=True)
        self.labels.append(response.headers.get("at-ussd-hop-metadata", ""))
        return self.screen


class Player:
    """Plays dialogues on phones of its own."""

    def __init__(self, client: FlaskClient, settings: Settings, database: Database) -> None:
        self._client = client
        self._settings = settings
        self._database = database
        self._phones: dict[str, Handset] = {}
        self._who = "customer"
        self._changed: set[str] = set()

    def play(self, dialogue: Dialogue) -> str:
        """Play a dialogue from the top; return the first line that went another way, or nothing."""
        try:
            for line in dialogue.lines:
                shown, expected = self.do(line.does) or "", "\n".join(line.shows)
                if not re.fullmatch("".join(self._patterns(expected)), shown, re.S):
                    where = f"{dialogue.path.name}:{line.number} {line.does}"
                    return f"{where}\nexpected:\n{expected}\nshown:\n{shown}"
        finally:
            self._put_rules_back()
        return ""

    def do(self, does: str) -> str | None:
        """Do one line; return the screen after it, or None for a line without one."""
        word, _, rest = does.partition(" ")
        phone = self._phones.get(self._who)
        match word:
            case "customer:" | "friend:":
                self._people(word.rstrip(":"), rest)
            case "stranger":
                self._add("customer", new_msisdn())
            case "as":
                self._who = rest
            case "dial":
                assert phone is not None
                return phone.dial(self._filled(rest))
            case ">":
                assert phone is not None
                return phone.reply(self._filled(rest))
            case "again":
                assert phone is not None
                before = phone.screen
                assert phone.post() == before
                return before
            case "hang":
                assert phone is not None
                phone.screen = ""
            case "texts":
                self._text(self._filled(rest))
            case "limit:" | "tariff:":
                self._set_rule(word, *rest.split())
            case _:
                self._check(word.rstrip(":"), rest)
        return None

    def _text(self, words: str) -> None:
        key = self._settings.at_callback_keys[0].get_secret_value()
        form = {"id": uuid4().hex, "from": self._phones[self._who].msisdn, "text": words}
        assert self._client.post(f"/at/{key}/sms", data=form).status_code == 200
        with connect(self._settings.redis_url.get_secret_value()) as redis:
            process_inbound_sms.run(JobServices(self._settings, self._database, redis))

    def _set_rule(self, what: str, kind: str, *figures: str) -> None:
        self._changed.add(what)
        change = set_limit if what == "limit:" else set_fee
        change(self._database, kind, *map(int, figures))

    def _put_rules_back(self) -> None:
        """Other tests use the same database, where others' numbers are closed and all is free."""
        if "limit:" in self._changed:
            set_limit(self._database, "withdrawal_other", 0, 0, 0)
        if "tariff:" in self._changed:
            set_fee(self._database, "withdrawal", 0)

    def _check(self, what: str, value: str) -> None:
        msisdn = self._phones[self._who].msisdn
        user = users.find(self._database, msisdn)
        assert user is not None
        match what:
            case "sms":
                assert self._newest_sms(msisdn)[0] == value
            case "wallet":
                cents = wallets.balance(self._database, SYSTEM, user.id)
                assert isinstance(cents, int)
                assert grouped_text(cents) == value
            case "opts":
                messaging.stop_sms(self._database, SYSTEM, msisdn)
            case "email":
                context = Context.of_user(user.id, "sms")
                messaging.ask_email(self._database, context, user.id, value)
            case _:
                raise AssertionError(f"unknown line {what!r}")

    def _people(self, who: str, described: str) -> None:
        name, language, money = (part.strip() for part in described.split(","))
        first, last = name.split(" ", 1)
        cents = parse_amount(money)
        user = new_user(
            self._database,
            cents=cents if isinstance(cents, int) and cents > 0 else 0,
            language=language,
            first_name=first,
            last_name=last,
        )
        self._add(who, user.msisdn)

    def _add(self, who: str, msisdn: str) -> None:
        self._phones[who] = Handset(self._client, self._settings, msisdn)

    def _newest_sms(self, recipient: str, template: str | None = None) -> tuple[str, str]:
        with self._database.transaction(SYSTEM) as connection:
            connection.execute("SELECT fill_outbox()")
            row = connection.execute(
                "SELECT template, params ->> 'nonce' AS nonce FROM outbox WHERE recipient = %s"
                " AND (%s::text IS NULL OR template = %s) ORDER BY id DESC LIMIT 1",
                (recipient, template, template),
            ).fetchone()
        assert row is not None
        return row["template"], row["nonce"] or ""

    def _filled(self, typed: str) -> str:
        return re.sub(r"\{([a-z ]+)\}", lambda match: self._value(match[1]), typed)

    @property
    def screens(self) -> set[str]:
        """Return the names of the screens shown so far, each with its language: ``main/en``."""
        return {label for phone in self._phones.values() for label in phone.labels}

    def _value(self, name: str) -> str:
        pepper = self._settings.pin_pepper.get_secret_value()
        match name.split():
            case ["pin"]:
                return PIN
            case ["start", "pin"]:
                _, nonce = self._newest_sms(self._phones[self._who].msisdn, "start_pin")
                return start_pin_of(pepper, bytes.fromhex(nonce))
            case ["mailed", "code"]:
                user = users.find(self._database, self._phones[self._who].msisdn)
                assert user is not None
                assert user.email_pending is not None
                _, nonce = self._newest_sms(user.email_pending, "email_code")
                return code_of(pepper, bytes.fromhex(nonce))
            case [who]:
                return local_form(self._phones[who].msisdn)
            case [who, "masked"]:
                return mask_msisdn(self._phones[who].msisdn)
            case _:
                raise AssertionError(f"unknown value {name!r}")

    def _patterns(self, expected: str) -> Iterator[str]:
        for place, part in enumerate(re.split(r"\{([a-z *]+)\}", expected)):
            if place % 2 == 0:
                yield re.escape(part)
            else:
                yield _PATTERNS[part] if part in _PATTERNS else re.escape(self._value(part))
