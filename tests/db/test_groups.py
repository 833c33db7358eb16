"""Transactions that are posted together: the same rows as alone, and only the plain case."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from random import Random
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.commands.receipts import resend_last
from ledger.commands.transfers import transfer
from ledger.core.chart import Kind, SystemAccount
from ledger.core.context import Context
from ledger.core.people import User
from ledger.core.plans import Message, Plan, Posted, Usage, moving
from ledger.core.refusals import Refusal, RefusalCode
from ledger.db import accounts, kernel
from ledger.db.engine import Database
from ledger.queries.verify import verify_ledger
from tests.db.people import SYSTEM, new_user, post
from tests.db.test_lost_connections import VICTIM, Killer
from tests.length import AT_LENGTH
from tests.quick_hashing import open_database
from ussd_app.settings import Settings as AppSettings

DAY = date(2026, 11, 25)
ORDERS = 2_000 if AT_LENGTH else 100
ACTOR = Context("user:7", "ussd", None)


def plan(payer: User, payee: User, cents: int = 1_000, fee: int = 0, **changes: Any) -> Plan:
    debits = {payer.wallet_account_id: cents + fee, payee.wallet_account_id: -cents}
    if fee:
        debits[SystemAccount.REVENUE_FEES] = -fee
    values: dict[str, Any] = {
        "kind": Kind.TRANSFER,
        "source": "test",
        "reference": uuid4().hex,
        "debits": debits,
        "request": {"amount": cents},
        "details": {"fee": fee},
        "usage": Usage(payer.wallet_account_id, "transfer", DAY, cents, 50_000),
        "messages": (
            Message(
                payer.id,
                payer.msisdn,
                "sw",
                "transfer_sent",
                {"amount": cents},
                payer.wallet_account_id,
                email="jane@mfano.co.ke",
            ),
            Message(payee.id, payee.msisdn, "en", "transfer_received", {"amount": cents}),
        ),
        **changes,
    }
    return Plan(**values)


def together(database: Database, *plans: Plan) -> list[Posted | None]:
    asked = [(ACTOR, one) for one in plans]
    return database.call(lambda connection: kernel.post_group(connection, asked))


def rows_of(database: Database, posted: Posted | Refusal | None) -> dict[str, Any]:
    """All that a transaction left, without ids and moments, which differ."""
    assert isinstance(posted, Posted)
    queries = {
        "transactions": "SELECT kind, source, request_digest, actor, channel, details, payment_id"
        " FROM transactions WHERE id = %s",
        "postings": "SELECT account_id < 1000 AS is_ours, direction, amount, balance_after,"
        " account_version FROM postings WHERE transaction_id = %s ORDER BY account_id",
        "deltas": "SELECT account_id, debits_less_credits FROM balance_deltas"
        " WHERE transaction_id = %s",
        "audit": "SELECT actor, channel, action, new_values - 'receipt' - 'accounts' AS new"
        " FROM audit_log WHERE subject_type = 'transaction' AND subject_id = %s",
        "unsealed": "SELECT count(*) FROM audit_unsealed WHERE audit_id IN (SELECT id FROM"
        " audit_log WHERE subject_type = 'transaction' AND subject_id = %s)",
        "messages": "SELECT channel, template, language,"
        " params - 'receipt' - 'posted_at' AS values,"
        " params ->> 'receipt' = (SELECT receipt FROM transactions WHERE id = transaction_id)"
        " AS right_receipt, created_at = due_at AS is_due FROM outbox WHERE transaction_id = %s"
        " ORDER BY id",
        "usage": "SELECT u.kind, u.day, u.amount FROM daily_usage AS u JOIN postings AS p"
        " ON p.account_id = u.account_id WHERE p.transaction_id = %s",
    }
    with database.transaction(SYSTEM) as connection:
        connection.execute("SELECT fill_outbox()")
        return {
            name: connection.execute(query.encode(), (posted.transaction_id,)).fetchall()
            for name, query in queries.items()
        }


@pytest.mark.parametrize("fee", [0, 15])
def test_a_group_leaves_the_rows_that_single_postings_leave(
    own_database: Database, fee: int
) -> None:
    couples = [(new_user(own_database, cents=9_000), new_user(own_database)) for _ in range(3)]
    alone, *grouped = (plan(*couple, fee=fee) for couple in couples)
    single = own_database.call(lambda connection: kernel.post(connection, ACTOR, alone))
    posted = together(own_database, *grouped)
    expected = rows_of(own_database, single)
    assert [len(expected[name]) for name in ("postings", "messages")] == [3 if fee else 2, 3]
    for one, (payer, payee) in zip(posted, couples[1:], strict=True):
        assert rows_of(own_database, one) == expected
        assert one is not None
        assert one.balances == {
            payer.wallet_account_id: 8_000 - fee,
            payee.wallet_account_id: 1_000,
        }
        assert not one.replayed
    assert verify_ledger(own_database) == []


def test_only_the_plain_calls_of_a_group_are_posted_and_the_rest_left_untouched(
    own_database: Database, own_url: str
) -> None:
    payers = [new_user(own_database, cents=2_000) for _ in range(9)]
    payees = [new_user(own_database) for _ in range(9)]
    used = plan(payers[0], payees[0], cents=100)
    assert isinstance(post(own_database, used), Posted)
    with own_database.transaction(SYSTEM) as connection:
        accounts.set_status(connection, payees[2].wallet_account_id, "frozen")
    nobody = moving(1_000, debit=payers[3].wallet_account_id, credit=10**15)
    plans = [
        used,
        plan(payers[1], payees[1], cents=2_001),
        plan(payers[2], payees[2]),
        plan(payers[3], payees[3], debits=nobody),
        plan(payers[4], payees[4], ceilings={payees[4].wallet_account_id: 999}),
        plan(payers[5], payees[5]),
        plan(payers[6], payees[6]),
        plan(payers[7], payees[6]),
        plan(payers[8], payees[8]),
    ]
    with psycopg.connect(own_url) as another:
        another.execute(
            "SELECT FROM accounts WHERE id = %s FOR UPDATE", (payees[5].wallet_account_id,)
        )
        answers = together(own_database, *plans)
    assert [answer is not None for answer in answers] == [False] * 6 + [True, False, True]
    with own_database.transaction(SYSTEM) as connection:
        left = connection.execute(
            "SELECT count(*) AS n FROM transactions WHERE reference = ANY (%s)",
            ([one.reference for one, answer in zip(plans, answers, strict=True) if not answer],),
        ).fetchone()
    assert left == {"n": 1}
    answers = together(own_database, *plans)
    assert [answer is not None for answer in answers] == [False] * 5 + [True] + [False] * 3
    assert verify_ledger(own_database) == []


def test_who_is_over_the_daily_limit_is_left_out_and_holds_up_nobody(
    own_database: Database,
) -> None:
    payers = [new_user(own_database, cents=90_000) for _ in range(3)]
    payees = [new_user(own_database) for _ in range(3)]
    assert isinstance(together(own_database, plan(payers[2], payees[2], cents=49_000))[0], Posted)
    plans = [
        plan(payer, payee, cents=cents)
        for payer, payee, cents in zip(payers, payees, (50_000, 50_001, 1_001), strict=True)
    ]
    answers = together(own_database, *plans)
    assert [answer is not None for answer in answers] == [True, False, False]
    for refused in plans[1:]:
        answer = own_database.call(
            lambda connection, one=refused: kernel.post(connection, ACTOR, one)
        )
        assert isinstance(answer, Refusal)
        assert answer.code is RefusalCode.DAILY_LIMIT
    assert isinstance(together(own_database, plan(payers[2], payees[2], cents=1_000))[0], Posted)


def test_a_group_waits_neither_for_a_key_nor_with_its_wallets_held(
    own_database: Database, own_url: str
) -> None:
    payer, payee = new_user(own_database, cents=5_000), new_user(own_database)
    wanted = plan(payer, payee)
    with psycopg.connect(own_url) as another:
        another.execute(
            "INSERT INTO transactions (receipt, kind, source, reference, request_digest, actor,"
            " channel) VALUES ('ABCDEFGHJK', 'x', 'test', %s, '', 'x', 'x')",
            (wanted.reference,),
        )
        with pytest.raises(psycopg.errors.LockNotAvailable):
            together(own_database, wanted)
        another.rollback()
    assert isinstance(together(own_database, wanted)[0], Posted)


def test_a_call_without_postings_leaves_nothing(own_database: Database) -> None:
    query = (
        "SELECT count(*) AS n FROM post_transactions('{x}', '{x}', '{empty}', '{\\x00}',"
        " '{ABCDEFGHJK}', '{x}', '{x}', '{null}', '{null}', '{null}', '{null}', '{null}', '{null}',"
        " '{null}', '{}', '{}', '{}', '{}')"
    )
    with own_database.transaction(SYSTEM) as connection:
        assert connection.execute(query).fetchone() == {"n": 0}
        found = connection.execute("SELECT FROM transactions WHERE reference = 'empty'").fetchall()
    assert found == []


def test_whoever_reads_the_outbox_sees_all_of_a_long_queue(own_database: Database) -> None:
    payer, payee = new_user(own_database, cents=5_000), new_user(own_database)
    with own_database.transaction(SYSTEM) as connection:
        connection.execute("SELECT fill_outbox()")
        # As if a worker had been away for 1,100 postings.
        posted = kernel.post(connection, SYSTEM, plan(payer, payee, cents=1, usage=None))
        assert isinstance(posted, Posted)
    for number in range(1_100):
        one = plan(payer, payee, cents=1, usage=None, messages=(_told(payer, number),))
        last = own_database.call(lambda connection, one=one: kernel.post(connection, SYSTEM, one))
        assert isinstance(last, Posted)
    assert resend_last(own_database, Context.of_user(payer.id, "sms"), payer.id)
    with own_database.transaction(SYSTEM) as connection:
        again = connection.execute(
            "SELECT params ->> 'receipt' AS receipt FROM outbox WHERE user_id = %s"
            " AND transaction_id IS NULL AND template = 'transfer_sent'",
            (payer.id,),
        ).fetchall()
    assert again == [{"receipt": last.receipt}]


def _told(user: User, number: int) -> Message:
    return Message(user.id, user.msisdn, "en", "transfer_sent", {"amount": number})


def test_in_a_crowd_each_sender_gets_the_answer_to_the_own_transfer(own_database: Database) -> None:
    """Whoever travels with whom: rich, poor and over the limit, and one wallet for many."""
    rich = [new_user(own_database, cents=60_000_00) for _ in range(6)]
    poor = [new_user(own_database, cents=500) for _ in range(6)]
    shop = new_user(own_database)
    barrier = threading.Barrier(18)

    def send(case: tuple[User, User, int]) -> Posted | Refusal:
        payer, payee, cents = case
        barrier.wait()
        context = Context.of_user(payer.id, "ussd")
        return transfer(
            own_database,
            context,
            payer.id,
            payee.msisdn,
            cents,
            source="ussd",
            reference=uuid4().hex,
        )

    cases = [
        *((payer, payee, 1_000) for payer, payee in zip(rich, poor, strict=True)),
        *((payer, shop, 900_00) for payer in poor),
        *((payer, payer, 1_000) for payer in rich),
    ]
    with ThreadPoolExecutor(18) as pool:
        answers = list(pool.map(send, cases))
    assert all(isinstance(answer, Posted) for answer in answers[:6]), answers
    assert all(
        isinstance(answer, Refusal) and answer.code is RefusalCode.INSUFFICIENT_FUNDS
        for answer in answers[6:12]
    )
    assert answers[12:] == [Refusal(RefusalCode.RECIPIENT_IS_SENDER)] * 6
    receipts = {answer.receipt for answer in answers[:6] if isinstance(answer, Posted)}
    assert len(receipts) == 6
    for answer, payer in zip(answers[:6], rich, strict=True):
        assert isinstance(answer, Posted)
        assert answer.balances[payer.wallet_account_id] == 60_000_00 - 1_000
    assert verify_ledger(own_database) == []


@pytest.fixture
def victim(own_url: str, settings: AppSettings) -> Iterator[Database]:
    url = psycopg.conninfo.make_conninfo(own_url, application_name=VICTIM)
    database = open_database(settings, url)
    yield database
    database.close()


def test_groups_that_are_killed_happened_once_or_not_at_all(
    own_database: Database, own_url: str, victim: Database
) -> None:
    people = [new_user(own_database, cents=100_000) for _ in range(12)]
    orders = [
        (people[n % 6], people[6 + (n + n // 6) % 6], 10 + n % 90, f"{uuid4().hex}:{n}")
        for n in range(ORDERS)
    ]

    def send(
        database: Database, order: tuple[User, User, int, str]
    ) -> Posted | Refusal | psycopg.Error:
        payer, payee, cents, reference = order
        context = Context.of_user(payer.id, "ussd")
        try:
            return transfer(
                database, context, payer.id, payee.msisdn, cents, source="ussd", reference=reference
            )
        except psycopg.OperationalError as error:
            return error

    killer, chance = Killer(own_url), Random()
    with ThreadPoolExecutor(8) as pool:
        running = [pool.submit(send, victim, order) for order in orders]
        hit = 0
        while not all(one.done() for one in running):
            threading.Event().wait(chance.uniform(0.01, 0.15))
            hit += killer.strike()
        answers = [one.result() for one in running]
        again = list(pool.map(lambda order: send(own_database, order), orders))
    killer.connection.close()
    assert hit > 0, "the killer must have met connections"
    assert all(isinstance(answer, Posted) for answer in again), again
    for first, second in zip(answers, again, strict=True):
        if isinstance(first, Posted):
            assert isinstance(second, Posted)
            assert (second.receipt, second.replayed) == (first.receipt, True)
    with own_database.transaction(SYSTEM) as connection:
        found = connection.execute(
            "SELECT count(*) AS n, count(DISTINCT reference) AS keys FROM transactions"
            " WHERE reference = ANY (%s)",
            ([reference for *_, reference in orders],),
        ).fetchone()
    assert found == {"n": ORDERS, "keys": ORDERS}
    assert verify_ledger(own_database) == []


_texts = st.text(
    st.characters(exclude_categories=("Cs",), exclude_characters="\0"), min_size=1, max_size=60
) | st.sampled_from(["NULL", '"', "\\", "{a,b}", '\\"', "a\nb", "''", "%s", " "])


@settings(max_examples=60, deadline=None)
@given(words=st.lists(_texts, min_size=4, max_size=4))
def test_any_words_arrive_as_they_are(own_database: Database, words: list[str]) -> None:
    couples = _couples(own_database)
    plans = [
        plan(
            payer,
            payee,
            cents=1,
            reference=f"{word}{uuid4().hex}",
            details={word: word},
            usage=None,
            messages=(Message(None, word, "en", word, {word: word}),),
        )
        for (payer, payee), word in zip(couples, words, strict=True)
    ]
    posted = together(own_database, *plans)
    with own_database.transaction(SYSTEM) as connection:
        connection.execute("SELECT fill_outbox()")
        for one, asked, word in zip(posted, plans, words, strict=True):
            assert one is not None
            row = connection.execute(
                "SELECT t.reference, t.details, o.recipient, o.template, o.params"
                " FROM transactions AS t JOIN outbox AS o ON o.transaction_id = t.id"
                " WHERE t.id = %s",
                (one.transaction_id,),
            ).fetchone()
            assert row is not None
            assert (row["reference"], row["recipient"], row["template"]) == (
                asked.reference,
                word,
                word,
            )
            assert row["details"][word] == word
            assert row["params"][word] == word or word in ("receipt", "posted_at")


_known: dict[int, list[tuple[User, User]]] = {}


def _couples(database: Database) -> list[tuple[User, User]]:
    if id(database) not in _known:
        _known[id(database)] = [
            (new_user(database, cents=9_000), new_user(database)) for _ in range(4)
        ]
    return _known[id(database)]
