"""What texts mean: spellings, PINs that must not be stored, and that nothing breaks the parser."""

import re
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.texts import catalogue
from jobs.texts.catalogue import LANGUAGES, Template, fill, longest, names_in
from ledger.core.gsm7 import fits, septets
from ledger.core.refusals import RefusalCode
from ussd_app.keywords import answers
from ussd_app.keywords.engine import keywords, understand
from ussd_app.keywords.reading import (
    TEXT_LENGTH_MAX,
    SendOrder,
    clean,
    read_amount,
    read_email,
    read_month,
    read_send_order,
)
from ussd_app.screens import flow
from ussd_app.screens.fields import FIELDS
from ussd_app.screens.refusals import REFUSALS

PHONE = "+254712345678"


def templates() -> list[Template]:
    modules = [answers]
    modules += [__import__(k.run.__module__, fromlist=["x"]) for k in set(keywords().values())]
    found = {t.name: t for m in modules for t in vars(m).values() if isinstance(t, Template)}
    return [found[name] for name in sorted(found)]


@pytest.mark.parametrize("template", templates(), ids=lambda template: template.name)
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_answer_is_one_sms_at_its_longest(template: Template, language: str) -> None:
    text = longest(template, language)
    assert fits(text), f"{septets(text)}: {text}"
    assert names_in(template.en) == names_in(template.sw)


@pytest.mark.parametrize("code", list(RefusalCode))
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_refusal_of_the_menus_fits_an_sms(code: RefusalCode, language: str) -> None:
    text = REFUSALS[code].en if language == "en" else REFUSALS[code].sw
    hint = " Dial *384*29290#."
    values = {name: FIELDS[name].worst for name in names_in(text)}
    assert fits(fill(text, values) + hint)


@pytest.mark.parametrize(
    ("text", "word", "argument"),
    [
        ("BAL", "BAL", True),
        ("bal", "BAL", True),
        (" Salio. ", "BAL", True),
        ("balance please", "BAL", True),
        ("DEP 500", "DEP", 50000),
        ("dep500", "DEP", 50000),
        ("Dep: Ksh 1,000", "DEP", 100000),
        ("WEKA Ksh1,000.00", "DEP", 100000),
        ("weka 1 000 /-", "DEP", 100000),
        ("weka kes 500/=", "DEP", 50000),
        ("WEKA 4826", "DEP", 482600),
        ("SEND 200 0712345678", "SEND", SendOrder(20000, PHONE)),
        ("send ksh 200 to 0712 345 678", "SEND", SendOrder(20000, PHONE)),
        ("TUMA 200 kwa +254712345678", "SEND", SendOrder(20000, PHONE)),
        ("tuma 0712-345-678 200", "SEND", SendOrder(20000, PHONE)),
        ("tuma 10.50 712345678", "SEND", SendOrder(1050, PHONE)),
        ("SEND 1,000 254712345678", "SEND", SendOrder(100000, PHONE)),
        ("SEND 2000 0712 3456 78", "SEND", SendOrder(200000, PHONE)),
        ("WITHDRAW 300", "WITHDRAW", 30000),
        ("toa 300", "WITHDRAW", 30000),
        ("mini", "MINI", True),
        ("TAARIFA", "MINI", True),
        ("receipt", "RECEIPT", ""),
        ("risiti 7kq2mrx9tb", "RECEIPT", "7KQ2MRX9TB"),
        ("RECEIPT 7KQ2M RX9TB", "RECEIPT", "7KQ2MRX9TB"),
        ("email Jina@Mfano.co.ke", "EMAIL", "jina@mfano.co.ke"),
        ("EMAIL jina\u00a1mfano.co.ke", "EMAIL", "jina@mfano.co.ke"),
        ("EMAIL me1990@x.co.ke", "EMAIL", "me1990@x.co.ke"),
        ("EMAIL 123456", "EMAIL", "123456"),
        ("LANG SW", "LANG", "sw"),
        ("lugha en", "LANG", "en"),
        ("help", "HELP", True),
        ("Msaada", "HELP", True),
        ("STOP", "STOP", True),
        ("start", "START", True),
        ("ANZA", "START", True),
    ],
)
def test_commands_are_understood(text: str, word: str, argument: object) -> None:
    understood = understand(clean(text))
    assert understood.keyword is not None
    assert understood.keyword.english[0] == word
    assert understood.argument == argument
    assert not understood.held_pin
    assert understood.safe_text == clean(text)


@pytest.mark.parametrize(
    "text",
    [
        "1234",
        "my pin is 4826",
        "PIN:4826",
        "pin4826",
        "Pin 48 26 please, pin=482601",
        "nambari ya siri 4826",
        "4 8 2 6",
        "4-8-2-6",
        "BAL 4826",
        "SALIO pin 4826",
        "SEND 200 0722000111 4826",
        "TUMA 4826 200 0722000111",
        "WITHDRAW 300 4826",
        "DEP 500 4826",
        "MINI 4826",
        "LANG SW 4826",
        "EMAIL 4826",
        "HELP 4826!",
        "4826\n",
        "\u0664\u0668\u0662\u0666",
    ],
)
def test_a_pin_is_never_kept(text: str) -> None:
    understood = understand(clean(text))
    assert understood.held_pin
    assert understood.argument is None
    assert "4826" not in understood.safe_text
    assert "1234" not in understood.safe_text
    assert not re.search(r"4[ -]8[ -]2[ -]6", understood.safe_text)


@pytest.mark.parametrize(
    "text", ["DEP 0", "DEP -5", "DEP 1e3", "DEP 10.50", "DEP \u0663", "DEP " + "9" * 400]
)
def test_what_is_no_amount_is_not_moved(text: str) -> None:
    argument = understand(clean(text)).argument
    assert not isinstance(argument, int)


@pytest.mark.parametrize(
    "text",
    [
        "SEND",
        "SEND 200",
        "SEND 0712345678",
        "SEND 0712345678 0722345678",
        "SEND 200 123",
        "SEND two hundred 0712345678",
        "SEND 200 +44 7911 123456",
        "RECEIPT SHORT",
        "LANG FR",
        "EMAIL not-an-address",
        "EMAIL a..b@x.co.ke",
    ],
)
def test_what_is_unclear_is_not_done(text: str) -> None:
    understood = understand(clean(text))
    assert understood.keyword is not None
    assert understood.argument is None


@pytest.mark.parametrize(
    ("text", "month"),
    [
        ("", date(2026, 11, 1)),
        ("OCT", date(2026, 10, 1)),
        ("oktoba", date(2026, 10, 1)),
        ("10", date(2026, 10, 1)),
        ("2026-10", date(2026, 10, 1)),
        ("10/2026", date(2026, 10, 1)),
        ("Dec", date(2025, 12, 1)),
        ("desemba 2024", date(2024, 12, 1)),
        ("12/2026", None),
        ("2027-01", None),
        ("13", None),
        ("1990", None),
        ("10/11/2026", None),
        ("soon", None),
    ],
)
def test_months(text: str, month: date | None) -> None:
    assert read_month(text, date(2026, 11, 23)) == month


@given(st.text(max_size=400))
def test_no_text_breaks_the_parser(text: str) -> None:
    cleaned = clean(text)
    understood = understand(cleaned)
    assert len(understood.safe_text) <= TEXT_LENGTH_MAX + 8
    assert "\0" not in understood.safe_text
    assert clean(cleaned) == cleaned


@given(
    st.sampled_from(sorted(keywords())),
    st.text(alphabet="0123456789 .,+-/=kKshSH", max_size=40),
)
def test_keywords_with_any_figures_never_raise(word: str, rest: str) -> None:
    understood = understand(clean(f"{word} {rest}"))
    assert isinstance(understood.safe_text, str)


@given(st.integers(1, 25_000_000), st.booleans(), st.sampled_from(["", "Ksh", "KES ", "ksh "]))
def test_every_amount_survives_its_spellings(cents: int, grouped: bool, currency: str) -> None:
    shillings, rest = divmod(cents, 100)
    figure = f"{shillings:,}" if grouped else str(shillings)
    assert read_amount(f"{currency}{figure}.{rest:02d}", whole_shillings=False) == cents


@given(
    st.integers(1, 250_000),
    st.integers(10_000_000, 29_999_999).map(lambda n: f"07{n}"),
    st.sampled_from(["{a} {p}", "{p} {a}", "Ksh {a} to {p}", "{a} kwa {i}"]),
)
def test_an_order_is_read_right_or_not_at_all(shillings: int, phone: str, shape: str) -> None:
    text = shape.format(a=shillings, p=phone, i=f"+254{phone[1:]}")
    order = read_send_order(text)
    assert order in (None, SendOrder(shillings * 100, f"+254{phone[1:]}"))


@given(st.text(max_size=80))
def test_no_address_breaks_a_mail(text: str) -> None:
    address = read_email(text)
    assert address is None or (address.isascii() and address.count("@") == 1)


def test_a_cleaned_text_is_bounded_and_printable() -> None:
    hostile = "\x00\x1b[31mDEP\u202e 500\ufeff" + "\U0001f600" * 10_000
    cleaned = clean(hostile)
    assert len(cleaned) <= TEXT_LENGTH_MAX
    assert cleaned.isprintable()


def test_the_page_for_customers_names_every_word(project_root: Path) -> None:
    page = (project_root / "docs" / "texting.md").read_text("utf-8")
    assert {word for word in keywords() if f"`{word}" not in page} == set()


OTHER_WORDS = ("Tsh", "namba", "kikomo", "Nyuma", "Ondoka", "Baki yako", "password", "ako kwenye")
"""Tanzanian or second words for what facts and menus call nambari, kiwango, Rudi, Salio and PIN."""


@pytest.mark.parametrize("word", OTHER_WORDS)
def test_kiswahili_has_one_kenyan_word_for_one_thing(word: str) -> None:
    screens = [
        text.sw
        for screen in flow().screens.values()
        for text in (screen.text, *(option.text for option in getattr(screen, "options", ())))
    ]
    texts = [*screens, *(text.sw for text in REFUSALS.values())]
    texts += [template.sw for template in (*templates(), *catalogue.templates().values())]
    assert [text for text in texts if re.search(rf"\b{word}\b", text, re.IGNORECASE)] == []
