"""From a customer's text to its answer, over the real route, job, ledger and stand-in."""

from datetime import UTC, datetime
from typing import Any

import pytest
from flask.testing import FlaskClient

from ledger.commands import messaging
from ledger.core.context import Context
from ledger.core.people import User
from ledger.one_time_codes import code_of
from tests.limits import payouts_to_others
from tests.messages.conftest import SYSTEM, Ask, Texting, post
from tests.msisdns import new_msisdn
from ussd_app import prepared
from ussd_app.prepared import PreparedAction, PreparedKind
from ussd_app.tasks import process_inbound_sms


def stored(texting: Texting) -> list[dict[str, Any]]:
    with texting.database.transaction(SYSTEM) as connection:
        return connection.execute("SELECT * FROM inbound_sms ORDER BY id").fetchall()


def test_the_same_delivery_answers_once(
    texting: Texting, web: FlaskClient, at_path: str, user: User
) -> None:
    for _ in range(3):
        assert post(web, at_path, user.msisdn, "HELP", id="twice") == 200
        process_inbound_sms.run(texting.services)
    texting.send()
    assert len(stored(texting)) == 1
    assert len(texting.inbox(user.msisdn)) == 2


def test_a_deposit_is_prompted_once_for_one_text(
    texting: Texting, web: FlaskClient, at_path: str, user: User, ask: Ask
) -> None:
    answer = ask(user.msisdn, "DEP 500", id="dep")
    assert answer == (
        "An M-PESA request for Ksh500.00 will come to your phone in a moment."
        " Enter your M-PESA PIN there, never in an SMS."
    )
    with texting.database.transaction(SYSTEM) as connection:
        # As if the worker had died between acting and closing the text.
        connection.execute("UPDATE inbound_sms SET state = 'received', due_at = now()")
    process_inbound_sms.run(texting.services)
    with texting.database.transaction(SYSTEM) as connection:
        payments = connection.execute("SELECT amount, source, reference FROM payments").fetchall()
    assert payments == [{"amount": 50000, "source": "sms", "reference": "dep"}]


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("DEP 10.50", "M-PESA moves whole shillings only."),
        ("DEP 0", "Type an amount such as 500."),
        ("DEP 300000", "The most at once is Ksh250,000.00. Dial *384*2929#."),
        ("DEP lots", "To deposit, text DEP and the amount"),
        ("WITHDRAW 300", "Not enough money in your wallet."),
        ("SEND 200 0799999999", "0799999999 is not on Cycle."),
        ("RECEIPT", "We find no such receipt of yours"),
        ("MINI", "There is no movement"),
        ("BAL", "Balance by SMS is off"),
        ("FOO BAR", "Text BAL, DEP, SEND"),
        ("my pin is 4826", "Never send a PIN by SMS"),
        ("SEND 200 0799999999 4826", "Never send a PIN by SMS"),
    ],
)
def test_refusals_say_what_to_do(user: User, ask: Ask, text: str, answer: str) -> None:
    got = ask(user.msisdn, text)
    assert got is not None
    assert got.startswith(answer)


def test_a_pin_is_stored_nowhere(texting: Texting, user: User, ask: Ask) -> None:
    ask(user.msisdn, "SEND 200 0799999999 4826")
    (row,) = stored(texting)
    assert row["held_pin"]
    drawn = {"provider_id", "sender", "recipient"}  # may hold these digits by chance
    kept = [
        value
        for stored_row in (row, *texting.rows())
        for column, value in stored_row.items()
        if column not in drawn and not isinstance(value, datetime)
    ]
    assert "4826" not in repr(kept)


def test_a_balance_needs_enrolment(texting: Texting, user: User, ask: Ask) -> None:
    texting.give(user, 123456)
    context = Context.of_user(user.id, "ussd")
    messaging.set_sms_balance(texting.database, context, user.id, enrolled=True)
    assert ask(user.msisdn, "salio") == (
        "Your Cycle balance is Ksh1,234.56. Dial *384*2929# for more."
    )


def test_a_transfer_is_prepared_and_not_made(texting: Texting, user: User, ask: Ask) -> None:
    other = texting.join("Otieno")
    texting.give(user, 50000)
    local = "0" + other.msisdn.removeprefix("+254")
    answer = ask(user.msisdn, f"SEND 200 {local}", id="send-1")
    assert answer is not None
    assert answer.startswith(f"To send Ksh200.00 to Otieno Kamau {local[:4]}***{local[-3:]}")
    assert "Nothing is sent yet" in answer
    waits = prepared.waiting(texting.services.redis, user.id)
    assert waits == PreparedAction(PreparedKind.SEND, 20000, other.msisdn, "send-1")
    ttl = texting.services.redis.ttl(f"cycle:prepared:{user.id}")
    assert 590 <= ttl <= 600
    prepared.forget(texting.services.redis, user.id)
    assert prepared.waiting(texting.services.redis, user.id) is None


def test_a_withdrawal_is_prepared(texting: Texting, user: User, ask: Ask) -> None:
    texting.give(user, 50000)
    answer = ask(user.msisdn, "toa 300")
    assert answer is not None
    assert answer.startswith("To withdraw Ksh300.00 to your M-PESA (cost Ksh0.00)")
    waits = prepared.waiting(texting.services.redis, user.id)
    assert waits is not None
    assert (waits.kind, waits.amount) == (PreparedKind.WITHDRAW, 30000)


def test_a_withdrawal_to_another_number_is_prepared_where_a_limit_allows_it(
    texting: Texting, user: User, ask: Ask
) -> None:
    texting.give(user, 50000)
    closed = ask(user.msisdn, "WITHDRAW 300 0722 000 111")
    with payouts_to_others(texting.database):
        opened = ask(user.msisdn, "toa 300 kwa 0722000111", id="toa-1")
        half = ask(user.msisdn, "WITHDRAW 10.50 0722000111")
    assert closed == "You can withdraw to your own number only. Dial *384*2929#."
    assert opened is not None
    assert opened.startswith("To withdraw Ksh300.00 to M-PESA 0722000111 (cost Ksh0.00)")
    assert half is not None
    assert half.startswith("M-PESA moves whole shillings only.")
    waits = prepared.waiting(texting.services.redis, user.id)
    assert waits == PreparedAction(PreparedKind.WITHDRAW_TO, 30000, "+254722000111", "toa-1")


def test_a_withdrawal_to_the_own_number_spelled_out_is_an_ordinary_one(
    texting: Texting, user: User, ask: Ask
) -> None:
    texting.give(user, 50000)
    answer = ask(user.msisdn, f"WITHDRAW 300 {user.msisdn}")
    assert answer is not None
    assert answer.startswith("To withdraw Ksh300.00 to your M-PESA")
    waits = prepared.waiting(texting.services.redis, user.id)
    assert waits is not None
    assert (waits.kind, waits.msisdn) == (PreparedKind.WITHDRAW, None)


def test_movements_fit_one_sms(texting: Texting, user: User, ask: Ask) -> None:
    for cents in (100, 25000000, 99, 24999901, 50, 1):
        texting.give(user, cents)
    answer = ask(user.msisdn, "TAARIFA")
    assert answer is not None
    assert len(answer) <= 160
    assert answer.splitlines()[0] == "Cycle"
    assert "+0.01 " in answer.splitlines()[1]


def test_a_receipt_that_never_arrived_can_be_read(texting: Texting, user: User, ask: Ask) -> None:
    from ledger.commands.transfers import transfer

    other = texting.join("Otieno")
    texting.give(user, 50000)
    context = Context.of_user(user.id, "ussd")
    posted = transfer(
        texting.database, context, user.id, other.msisdn, 20000, source="t", reference=user.msisdn
    )
    texting.fault(at="at.send", do="refuse", code=407)
    texting.send()
    texting.no_faults()
    assert {row["state"] for row in texting.rows("template = 'transfer_sent'")} == {"failed"}
    answer = ask(user.msisdn, "RISITI")
    assert answer is not None
    assert answer.startswith(f"{posted.receipt} Confirmed. Ksh200.00 sent to Otieno Kamau")
    assert ask(user.msisdn, f"receipt {posted.receipt.lower()}") == answer
    theirs = ask(other.msisdn, f"RECEIPT {posted.receipt}")
    assert theirs is not None
    assert "You have received Ksh200.00 from Wanjiku Kamau" in theirs
    stranger = texting.join("Njeri")
    texting.send()
    unknown = ask(stranger.msisdn, f"RECEIPT {posted.receipt}")
    assert unknown is not None
    assert unknown.startswith("We find no such receipt")


def test_an_address_is_confirmed_by_the_code_it_got(texting: Texting, user: User, ask: Ask) -> None:
    answer = ask(user.msisdn, "EMAIL Wanjiku@Mfano.co.ke")
    assert answer is not None
    assert answer.startswith("We sent a code to wanjiku@mfano.co.ke")
    (mail,) = texting.rows("channel = 'email'")
    assert (mail["recipient"], mail["template"]) == ("wanjiku@mfano.co.ke", "email_code")
    pepper = texting.services.settings.pin_pepper.get_secret_value()
    code = code_of(pepper, bytes.fromhex(mail["params"]["nonce"]))
    assert code not in repr(mail)
    wrong = f"{(int(code) + 1) % 1_000_000:06d}"
    refused = ask(user.msisdn, f"EMAIL {wrong}")
    assert refused is not None
    assert refused.startswith("That code is not right")
    assert texting.user(user.id).email is None
    confirmed = ask(user.msisdn, f"email {code}")
    assert confirmed is not None
    assert confirmed.startswith("Your e-mail address is confirmed")
    assert texting.user(user.id).email == "wanjiku@mfano.co.ke"


def test_a_statement_is_queued_once_for_a_confirmed_address(
    texting: Texting, user: User, ask: Ask
) -> None:
    refused = ask(user.msisdn, "STMT")
    assert refused is not None
    assert refused.startswith("We have no confirmed e-mail address")
    with texting.database.transaction(SYSTEM) as connection:
        connection.execute(
            "UPDATE users SET email = 'a@mfano.co.ke', email_confirmed_at = now() WHERE id = %s",
            (user.id,),
        )
    for _ in range(2):
        answer = ask(user.msisdn, "stmt", id="statement-1")
    answer = ask(user.msisdn, "STMT", id="statement-2")
    assert answer is not None
    assert answer.startswith("Your statement is being made")
    with texting.database.transaction(SYSTEM) as connection:
        rows = connection.execute(
            "SELECT recipient, state FROM statements WHERE user_id = %s", (user.id,)
        ).fetchall()
    assert rows == [{"recipient": "a@mfano.co.ke", "state": "queued"}] * 2


def test_a_language_change_answers_in_the_new_one(texting: Texting, user: User, ask: Ask) -> None:
    assert ask(user.msisdn, "LANG SW") == "Kuanzia sasa Cycle itakuandikia kwa Kiswahili."
    answer = ask(user.msisdn, "HELP")
    assert answer is not None
    assert answer.startswith("Tuma SALIO, WEKA 500")
    assert ask(user.msisdn, "lugha en") == "From now on Cycle writes to you in English."


def test_a_stranger_is_told_how_to_join_in_the_language_of_the_word(ask: Ask) -> None:
    phone = new_msisdn()
    english, kiswahili = ask(phone, "BAL"), ask(phone, "SALIO")
    assert english is not None
    assert kiswahili is not None
    assert english.startswith("This number has not joined Cycle yet")
    assert kiswahili.startswith("Nambari hii haijajiunga na Cycle")


def test_twenty_commands_an_hour_then_one_notice_then_silence(
    texting: Texting, user: User, ask: Ask
) -> None:
    for _ in range(20):
        answer = ask(user.msisdn, "HELP")
        assert answer is not None
        assert answer.startswith("Text BAL")
    notice = ask(user.msisdn, "HELP")
    assert notice is not None
    assert notice.startswith("You have sent many texts")
    assert ask(user.msisdn, "HELP") is None
    assert ask(user.msisdn, "DEP 500") is None
    with texting.database.transaction(SYSTEM) as connection:
        connection.execute("UPDATE inbound_sms SET received_at = received_at - interval '1 hour'")
    assert ask(user.msisdn, "HELP") is not None


@pytest.mark.parametrize("text", ["\U0001f600" * 40, "", "!!!", "\x00\x01\x02", "\u202e\u200b"])
def test_what_holds_no_words_is_ignored(texting: Texting, user: User, ask: Ask, text: str) -> None:
    assert ask(user.msisdn, text) is None
    assert stored(texting)[-1]["state"] == "ignored"


def test_ten_kilobytes_are_taken_and_answered(texting: Texting, user: User, ask: Ask) -> None:
    answer = ask(user.msisdn, "\u6f22" * 5000)
    assert answer is not None
    assert len(stored(texting)[-1]["body"]) == 1000


@pytest.mark.parametrize("sender", ["SAFARICOM", "22929", "+447911123456", "0"])
def test_senders_that_are_no_customers_get_no_answer(
    texting: Texting, web: FlaskClient, at_path: str, sender: str
) -> None:
    assert post(web, at_path, sender, "HELP") == 200
    process_inbound_sms.run(texting.services)
    assert stored(texting)[-1]["state"] == "ignored"
    assert texting.rows() == []


@pytest.mark.parametrize(
    ("date", "moment"),
    [
        ("2017-05-03T06:04:45Z", datetime(2017, 5, 3, 6, 4, 45, tzinfo=UTC)),
        ("2017-05-03 06:04:45", datetime(2017, 5, 3, 6, 4, 45, tzinfo=UTC)),
        ("2017-05-03 06:04:45.123", datetime(2017, 5, 3, 6, 4, 45, 123000, tzinfo=UTC)),
        ("yesterday", None),
        ("", None),
    ],
)
def test_dates_in_every_recorded_spelling(
    texting: Texting, web: FlaskClient, at_path: str, date: str, moment: datetime | None
) -> None:
    post(web, at_path, new_msisdn(), "HELP", date=date)
    assert stored(texting)[-1]["sent_at"] == moment


def test_bad_forms_store_nothing(texting: Texting, web: FlaskClient, at_path: str) -> None:
    path = f"{at_path}/sms"
    assert web.post(path, data={"from": "+254712345678", "text": "HELP"}).status_code == 400
    assert web.post(path, data={"id": "1", "from": ["a", "b"]}).status_code == 400
    assert web.post(path, data={"id": "1", "text": "x" * 100_000}).status_code == 413
    assert web.post(f"/at/{'x' * 32}/sms", data={"id": "1", "from": "a"}).status_code == 404
    assert stored(texting) == []
