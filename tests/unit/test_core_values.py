"""Rules of the ledger's core that are plain tables: what goes in, what comes out."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import pytest

from ledger.core import access, contact
from ledger.core.context import Context
from ledger.core.daraja_codes import (
    prompt_failure_needs_review,
    prompt_failure_template,
    reversal_failed,
)
from ledger.core.gsm7 import septets
from ledger.core.msisdn import is_stored_form, parse_msisdn
from ledger.core.organisation import MailKind, due_periods
from ledger.core.parties import Party
from ledger.core.paybill import account_msisdn
from ledger.core.payments import (
    Decision,
    Evidence,
    EvidenceSource,
    PaymentKind,
    PaymentState,
    Schedule,
    Step,
    Verdict,
    cents_in_suspense,
    decide,
)
from ledger.core.people import User
from ledger.core.refusals import Refusal, RefusalCode
from ledger.core.rules import Limit, Rules
from ledger.core.statements import (
    Period,
    StatementMismatchError,
    Summary,
    TrialBalance,
    TrialBalanceRow,
)
from ledger.core.submissions import retry_delay
from tests.builders_statement import report_of
from tests.unit.test_payment_rules import payment_in

NOW = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)


def test_a_context_says_who_acts() -> None:
    assert Context.of_user(7, "ussd") == Context("user:7", "ussd", 7)
    assert Context.of_system("sweep") == Context("system:sweep", "system")


def test_a_party_shows_two_names_and_a_masked_number() -> None:
    jane = Party(
        1, "+254712345678", "Jane", "Wanjiru", "en", "active", 1000, "active", 0, False, None
    )
    assert jane.public == {"name": "Jane Wanjiru", "msisdn": "0712***678"}


def test_a_message_to_a_party_is_in_its_language_and_goes_to_its_addresses() -> None:
    jane = Party(
        7,
        "+254712345678",
        "Jane",
        "Wanjiru",
        "sw",
        "active",
        1000,
        "active",
        0,
        False,
        None,
        "j@a.ke",
    )
    message = jane.message("deposit_failed", {"amount": 500}, balance_of=1000)
    assert (message.user_id, message.recipient, message.email) == (7, "+254712345678", "j@a.ke")
    assert (message.language, message.template) == ("sw", "deposit_failed")
    assert (message.params, message.balance_of) == ({"amount": 500}, 1000)


@pytest.mark.parametrize(
    ("typed", "msisdn"),
    [
        ("W712345678", "+254712345678"),
        ("w 712-345-678", "+254712345678"),
        ("0712 345 678", "+254712345678"),
        ("RENT", None),
        ("W912345678", None),
    ],
)
def test_an_account_number_is_a_phone_or_a_wallet(typed: str, msisdn: str | None) -> None:
    assert account_msisdn(typed) == msisdn
    assert msisdn is None or is_stored_form(msisdn)


@pytest.mark.parametrize("text", ["0" * 9, "+255712345678", "0202012345", "+000000000"])
def test_what_is_no_kenyan_mobile_number_is_none(text: str) -> None:
    assert parse_msisdn(text) is None
    assert not is_stored_form(text)


@pytest.mark.parametrize(("text", "length"), [("abc", 3), ("a€", 3), ("[x]", 5), ("ж", None)])
def test_septets_are_counted_or_refused(text: str, length: int | None) -> None:
    assert septets(text) == length


def test_an_unlisted_prompt_failure_has_a_template() -> None:
    assert prompt_failure_template("no such code") == "deposit_failed"
    assert prompt_failure_needs_review("no such code")
    assert not prompt_failure_needs_review("1032")


@pytest.mark.parametrize(("code", "failed"), [("R000002", True), ("R000001", False), ("9", False)])
def test_only_listed_codes_fail_a_reversal(code: str, failed: bool) -> None:
    assert reversal_failed(code) is failed


@pytest.mark.parametrize(("attempts", "seconds"), [(1, 5), (2, 20), (7, 600), (99, 600)])
def test_a_refused_try_waits_longer_each_time(attempts: int, seconds: int) -> None:
    assert retry_delay(attempts, 0) == timedelta(seconds=seconds)
    assert retry_delay(attempts, 1) == timedelta(seconds=seconds * 1.25)


@pytest.mark.parametrize(
    ("kind", "asked", "seconds"),
    [
        (PaymentKind.DEPOSIT, 0, 30),
        (PaymentKind.DEPOSIT, 3, 300),
        (PaymentKind.DEPOSIT, 4, 3600),
        (PaymentKind.WITHDRAWAL, 0, 60),
        (PaymentKind.WITHDRAWAL, 3, 3600),
    ],
)
def test_questions_about_a_payment_come_at_their_times(
    kind: PaymentKind, asked: int, seconds: int
) -> None:
    assert Schedule().next_question(kind, asked) == timedelta(seconds=seconds)
    assert Schedule(0.5).next_question(kind, asked) == timedelta(seconds=seconds / 2)


def test_waits_follow_the_pace() -> None:
    assert Schedule(2).lease == timedelta(minutes=3)
    assert Schedule(2).prompt_lifetime == timedelta(minutes=4)


@pytest.mark.parametrize(
    ("kind", "state", "reason", "resolution", "cents"),
    [
        (PaymentKind.DEPOSIT, PaymentState.COMPLETED, None, None, 0),
        (PaymentKind.DEPOSIT, PaymentState.COMPLETED, "wallet_full", "allocated", 0),
        (PaymentKind.DEPOSIT, PaymentState.COMPLETED, "wallet_full", None, 550),
        (PaymentKind.PAYBILL, PaymentState.COMPLETED, "unknown_account", None, 550),
        (PaymentKind.WITHDRAWAL, PaymentState.FAILED, "account_frozen", None, 550),
        (PaymentKind.WITHDRAWAL, PaymentState.COMPLETED, "paid_out_after_release:x", None, 0),
    ],
)
def test_what_waits_in_suspense(
    kind: PaymentKind, state: PaymentState, reason: str | None, resolution: str | None, cents: int
) -> None:
    one = replace(
        payment_in(state),
        kind=kind,
        state=state,
        amount=500,
        fee=50,
        suspense_reason=reason,
        suspense_resolution=resolution,
    )
    assert cents_in_suspense(one) == cents


@pytest.mark.parametrize(
    ("state", "evidence", "step", "reason"),
    [
        (
            PaymentState.PENDING,
            Evidence(EvidenceSource.CALLBACK, Verdict.PAID, "0", address_known=False),
            Step.ASK,
            "foreign_address",
        ),
        (
            PaymentState.COMPLETED,
            Evidence(EvidenceSource.STATUS, Verdict.PAID, "0", receipt="SG632NMUAB"),
            Step.ATTACH,
            "receipt_attached",
        ),
        (
            PaymentState.COMPLETED,
            Evidence(EvidenceSource.STATUS, Verdict.PAID, "0"),
            Step.NOTHING,
            "repeated",
        ),
        (
            PaymentState.PENDING,
            Evidence(EvidenceSource.QUERY, Verdict.OPEN, "500.001.1001"),
            Step.NOTHING,
            "no_answer_yet",
        ),
    ],
)
def test_what_a_statement_changes(
    state: PaymentState, evidence: Evidence, step: Step, reason: str
) -> None:
    assert decide(payment_in(state), evidence) == Decision(step, reason)


def test_a_second_receipt_for_one_payment_is_a_contradiction() -> None:
    paid = payment_in(PaymentState.COMPLETED, receipt="SG632NMUAA")
    other = Evidence(EvidenceSource.STATUS, Verdict.PAID, "0", receipt="SG632NMUAB")
    assert decide(paid, other) == Decision(Step.CONFLICT, "second_receipt")


def rules(*, others: bool) -> Rules:
    limits = {"withdrawal": Limit(1_000, 50_000, 90_000)}
    if others:
        limits["withdrawal_other"] = Limit(1_000, 20_000, 40_000)
    return Rules(limits, 10**8, {"transfer": ((100, 1), (200, 2))})


@pytest.mark.parametrize(
    ("others", "cents", "code"),
    [
        (False, 5_000, RefusalCode.WITHDRAWALS_OWN_ONLY),
        (True, 5_000, None),
        (True, 30_000, RefusalCode.AMOUNT_TOO_LARGE),
        (True, 500, RefusalCode.AMOUNT_TOO_SMALL),
        (True, 5_050, RefusalCode.WHOLE_SHILLINGS_ONLY),
        (True, 0, RefusalCode.AMOUNT_INVALID),
    ],
)
def test_another_number_is_paid_within_both_limits(
    others: bool, cents: int, code: RefusalCode | None
) -> None:
    refusal = rules(others=others).refuse_amount("withdrawal_other", cents)
    assert (refusal and refusal.code) == code


@pytest.mark.parametrize(("cents", "fee"), [(100, 1), (101, 2), (201, 2)])
def test_the_last_band_holds_for_whatever_is_above(cents: int, fee: int) -> None:
    assert rules(others=False).fee("transfer", cents) == fee
    assert rules(others=False).fee("withdrawal", cents) == 0


# Periods and reports ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "last", "problem"),
    [
        (date(2026, 11, 2), date(2026, 11, 1), "reversed"),
        (date(2026, 11, 26), date(2026, 11, 27), "future"),
        (date(2000, 1, 1), date(2026, 11, 1), "too_long"),
    ],
)
def test_an_impossible_period_says_what_is_wrong(first: date, last: date, problem: str) -> None:
    refusal = Period.between(first, last, NOW.date())
    assert isinstance(refusal, Refusal)
    assert refusal.details["problem"] == problem


def test_a_period_begins_and_ends_at_midnight_in_nairobi() -> None:
    period = Period.between(date(2026, 11, 1), date(2026, 11, 2), NOW.date())
    assert isinstance(period, Period)
    assert (period.start, period.end, period.days) == (
        datetime(2026, 10, 31, 21, tzinfo=UTC),
        datetime(2026, 11, 2, 21, tzinfo=UTC),
        2,
    )
    assert Period.of_month(date(2026, 12, 9)) == Period(date(2026, 12, 1), date(2026, 12, 31))


def test_a_statement_whose_two_roads_do_not_meet_is_an_error() -> None:
    period = Period(NOW.date(), NOW.date())
    summary = Summary(1000, "USER_WALLET", "W1", "Jane", None, "en", period, 0, 5, (), ())
    replace(summary, closing=0).check()
    with pytest.raises(StatementMismatchError, match=r"0 \+ 0 - 0 is not 5"):
        summary.check()


def test_a_trial_balance_that_does_not_balance_is_an_error() -> None:
    right = TrialBalanceRow("CASH", "Float", 5, 0), TrialBalanceRow("WALLETS", "Wallets", 0, 5)
    TrialBalance(NOW.date(), right).check()
    with pytest.raises(StatementMismatchError, match="5 debit, 0 credit"):
        TrialBalance(NOW.date(), right[:1]).check()


@pytest.mark.parametrize(("busy", "attention"), [(True, True), (False, False)])
def test_a_report_asks_for_a_person_only_when_one_is_needed(busy: bool, attention: bool) -> None:
    report = report_of(busy=busy)
    assert report.needs_attention is attention
    assert (report.balance_of("CASH") > 0) is busy


@pytest.mark.parametrize(
    ("kind", "newest", "clock", "wanted"),
    [
        (MailKind.DAY, None, time(9), [date(2026, 11, 23), date(2026, 11, 24)]),
        (MailKind.DAY, date(2026, 11, 24), time(9), []),
        (MailKind.DAY, date(2026, 11, 23), time(1), []),
        (MailKind.MONTH, None, time(9), []),
        (MailKind.MONTH, date(2026, 9, 1), time(9), [date(2026, 10, 1)]),
    ],
)
def test_mails_that_are_due(
    kind: MailKind, newest: date | None, clock: time, wanted: list[date]
) -> None:
    now = datetime.combine(NOW.date(), clock, UTC)
    due = due_periods(kind, date(2026, 11, 23), newest, now)
    assert [period.first_day for period in due] == wanted


def test_a_user_is_shown_like_a_party() -> None:
    jane = User(
        id=1,
        msisdn="+254712345678",
        first_name="Jane",
        last_name="Wanjiru",
        language="en",
        status="active",
        email=None,
        email_pending=None,
        email_confirmed_at=None,
        pin_failures=0,
        pin_locked_until=None,
        pin_must_change=False,
        withdrawals_capped_until=None,
        sms_balance_enrolled=False,
        sms_opted_out_at=None,
        wallet_account_id=1000,
        wallet_number="W712345678",
        wallet_status="active",
        created_at=NOW,
    )
    assert (jane.display_name, jane.masked_msisdn) == ("Jane Wanjiru", "0712***678")


def test_words_that_stand_in_the_database_stay_what_they_are() -> None:
    assert {role.value for role in access.Role} == {"admin", "finance", "support", "auditor"}
    assert contact.SessionOutcome.HUNG_UP == "hung_up"
