"""The funnel: what hops and end-of-session events count, and what they must not keep."""

import json
from collections.abc import Iterator

import pytest
from click.testing import CliRunner
from flask.testing import FlaskClient
from redis import Redis

from ledger.db.engine import Database
from ledger.queries import console, users
from tests.db.people import PIN, SYSTEM, new_user
from tests.journey_player import Handset
from ussd_app import funnel
from ussd_app.cli import funnel as funnel_command
from ussd_app.funnel import Figure, Place
from ussd_app.settings import Settings


@pytest.fixture
def phone(
    client: FlaskClient, settings: Settings, database: Database, redis_client: Redis
) -> Handset:
    return Handset(client, settings, new_user(database, language="sw").msisdn)


def end(client: FlaskClient, settings: Settings, phone: Handset, **changes: str) -> None:
    key = settings.at_callback_keys[0].get_secret_value()
    form = {
        "date": "2026-11-23 20:00:00",
        "sessionId": phone.session,
        "serviceCode": settings.ussd_code,
        "networkCode": "63902",
        "phoneNumber": phone.msisdn,
        "status": "Incomplete",
        "cost": "KES 0.10",
        "durationInMillis": "12000",
        "hopsCount": "2",
        "hopsMetadata": "main/sw|balance_pin/sw",
        "input": f"3*{PIN}",
        "lastAppResponse": "CON Salio. Weka PIN yako",
        **changes,
    }
    assert client.post(f"/at/{key}/ussd-events", data=form).status_code == 200


def figures(redis: Redis, screen: str) -> dict[str, int]:
    row = funnel.read(redis, 1).get(Place(screen, "safaricom", "sw"), {})
    return {figure.value: number for figure, number in row.items() if number}


def test_hops_count_entries_answers_and_wrong_input(phone: Handset, redis_client: Redis) -> None:
    phone.dial()
    phone.reply("9")
    phone.reply("3")
    phone.post()
    phone.reply(PIN)

    assert figures(redis_client, "main") == {"entries": 1, "answers": 2, "invalid": 1}
    assert figures(redis_client, "balance_pin") == {"entries": 1, "answers": 1}
    assert figures(redis_client, "balance") == {"entries": 1}


def test_a_session_that_broke_off_is_counted_where_it_broke_off_once(
    client: FlaskClient, settings: Settings, phone: Handset, redis_client: Redis
) -> None:
    phone.dial()
    phone.reply("3")

    for _ in range(3):
        end(client, settings, phone)

    assert figures(redis_client, "balance_pin") == {"entries": 1, "hang_ups": 1}


@pytest.mark.parametrize(
    "changes",
    [
        {"status": "Success"},
        {"hopsMetadata": ""},
        {"hopsMetadata": "a|b|' OR 1/sw"},
        {"status": "SomethingNew", "networkCode": "12345"},
    ],
)
def test_other_events_count_nothing_and_are_taken(
    client: FlaskClient,
    settings: Settings,
    phone: Handset,
    redis_client: Redis,
    changes: dict[str, str],
) -> None:
    phone.dial()
    before = funnel.read(redis_client, 1)

    end(client, settings, phone, **changes)

    assert funnel.read(redis_client, 1) == before


def test_support_sees_the_session_in_the_timeline_once(
    client: FlaskClient, settings: Settings, phone: Handset, database: Database
) -> None:
    phone.dial()
    phone.reply("3")
    for _ in range(2):
        end(client, settings, phone, input=f"3*{PIN}")

    user = users.find(database, phone.msisdn)
    assert user is not None
    page = console.customer(database, SYSTEM, user.id)
    assert page is not None
    [session] = [line for line in page.happenings if line.what == "USSD session"]
    assert session.detail == "safaricom, 12 s: main > balance_pin"
    assert session.state == "hung_up"
    with database.transaction(SYSTEM) as connection:
        kept = connection.execute(
            "SELECT s::text AS row FROM ussd_sessions AS s WHERE user_id = %s", (user.id,)
        ).fetchone()
    assert kept is not None
    for secret in (f"3*{PIN}", "Weka PIN", phone.session, phone.msisdn[1:]):
        assert secret not in kept["row"]


@pytest.mark.parametrize(
    "changes",
    [
        {"phoneNumber": "+254700000000"},
        {"phoneNumber": "nobody"},
        {"status": "SomethingNew"},
    ],
)
def test_a_session_of_nobody_or_with_an_unknown_end_is_not_kept(
    client: FlaskClient,
    settings: Settings,
    phone: Handset,
    database: Database,
    changes: dict[str, str],
) -> None:
    phone.dial()
    count = "SELECT count(*) AS kept FROM ussd_sessions"
    with database.transaction(SYSTEM) as connection:
        before = connection.execute(count).fetchone()
    end(client, settings, phone, **changes)
    with database.transaction(SYSTEM) as connection:
        assert connection.execute(count).fetchone() == before


@pytest.mark.parametrize("milliseconds", ["", "-5", "soon", "9" * 30, "99999999"])
def test_nonsense_in_an_event_is_bounded(
    client: FlaskClient, settings: Settings, phone: Handset, database: Database, milliseconds: str
) -> None:
    phone.dial()
    labels = "|".join(["main/sw", "balance_pin/sw"] * 90)
    end(client, settings, phone, durationInMillis=milliseconds, hopsMetadata=labels)
    user = users.find(database, phone.msisdn)
    assert user is not None
    with database.transaction(SYSTEM) as connection:
        [kept] = connection.execute(
            "SELECT seconds, cardinality(screens) AS screens FROM ussd_sessions WHERE user_id = %s",
            (user.id,),
        ).fetchall()
    assert kept["seconds"] in (0, 3600)
    assert kept["screens"] == 100


def test_an_event_leaves_neither_number_nor_transcript(
    client: FlaskClient, settings: Settings, phone: Handset, redis_client: Redis
) -> None:
    phone.dial()
    phone.reply("3")
    end(client, settings, phone)

    kept = b"".join(_everything(redis_client))
    assert f"3*{PIN}".encode() not in kept
    assert PIN.encode() not in kept
    assert phone.msisdn[1:].encode() not in kept.replace(b"user_id", b"")


def _everything(redis: Redis) -> Iterator[bytes]:
    for key in redis.scan_iter("cycle:ussd*"):
        yield key
        kind = redis.type(key)
        if kind == b"hash":
            for name, value in redis.hgetall(key).items():
                yield from (name, value)
        elif kind == b"string":
            yield redis.get(key) or b""


def test_operators_read_the_funnel(
    client: FlaskClient,
    settings: Settings,
    phone: Handset,
    redis_client: Redis,
    monkeypatch: pytest.MonkeyPatch,
    product_environment: dict[str, str],
) -> None:
    phone.dial()
    for name, value in product_environment.items():
        monkeypatch.setenv(name, value)

    shown = CliRunner().invoke(funnel_command.command, ["--json"])

    assert shown.exit_code == 0
    [row] = json.loads(shown.output)
    assert (row["screen"], row["network"], row[Figure.ENTRIES.value]) == ("main", "safaricom", 1)
    line = (
        'cycle_ussd_screen_today{figure="entries",language="sw",network="safaricom",screen="main"}'
    )
    assert f"{line} 1.0" in client.get("/metrics").get_data(as_text=True)
    assert "main" in CliRunner().invoke(funnel_command.command, []).output
