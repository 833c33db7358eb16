"""The static check of every SMS, and what rendering does with values."""

import ast
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.letters.post import writers
from jobs.texts.catalogue import (
    BRAND_FIELDS,
    LANGUAGES,
    Brand,
    Template,
    UnrenderableError,
    longest,
    names_in,
    render,
    templates,
)
from jobs.texts.fields import show_moment, show_name
from ledger.core.gsm7 import SMS_SEPTETS, fits, septets, to_gsm7

BRAND = Brand("*384*2929#", "22929")
ALL = sorted(templates().values(), key=lambda template: template.name)


@pytest.mark.parametrize("template", ALL, ids=lambda template: template.name)
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_longest_text_is_one_gsm7_sms(template: Template, language: str) -> None:
    text = longest(template, language)
    assert fits(text), f"{septets(text)} of {SMS_SEPTETS} septets: {text}"


@pytest.mark.parametrize("template", ALL, ids=lambda template: template.name)
def test_both_languages_say_the_same_fields(template: Template) -> None:
    known = set(template.fields) | set(BRAND_FIELDS)
    assert names_in(template.en) == names_in(template.sw)
    assert set(template.fields) <= names_in(template.en) <= known


@pytest.mark.parametrize("template", ALL, ids=lambda template: template.name)
@pytest.mark.parametrize("language", LANGUAGES)
def test_no_message_about_money_holds_a_link(template: Template, language: str) -> None:
    text = template.text(language).lower()
    assert "http" not in text
    assert "www." not in text


def test_every_template_named_in_the_ledger_exists(project_root: Path) -> None:
    named = set()
    for path in (project_root / "ledger").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            named |= _templates_of(node)
    codes = ast.parse((project_root / "ledger/core/daraja_codes.py").read_text("utf-8"))
    constants = {node.value for node in ast.walk(codes) if isinstance(node, ast.Constant)}
    named |= {
        name
        for name in constants
        if isinstance(name, str) and name.startswith(("deposit_failed", "withdrawal_failed"))
    }
    assert len(named) > 10
    assert named <= set(templates()) | set(writers())


def _templates_of(node: ast.AST) -> set[str]:
    """Return the template that a keyword ``template=`` or a call of tell or told names."""
    value: ast.AST | None = None
    if isinstance(node, ast.keyword) and node.arg == "template":
        value = node.value
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        position = {"told": 1, "tell": 2}.get(node.func.id)
        if position is not None and len(node.args) > position:
            value = node.args[position]
    return {value.value} if isinstance(value, ast.Constant) else set()


def test_a_transfer_reads_in_the_order_of_m_pesa() -> None:
    params = {
        "receipt": "7KQ2MRX9TB",
        "amount": 20000,
        "name": "Wanjiku Kamau",
        "msisdn": "0712***678",
        "posted_at": "2026-11-23T18:05:00+00:00",
        "balance": 50000,
        "fee": 0,
    }
    assert render("transfer_sent", "en", params, BRAND) == (
        "7KQ2MRX9TB Confirmed. Ksh200.00 sent to Wanjiku Kamau 0712***678 on 23/11/26 9:05 PM."
        " New balance is Ksh500.00. Cost Ksh0.00."
    )
    assert render("transfer_sent", "sw", params, BRAND) == (
        "7KQ2MRX9TB Imethibitishwa. Ksh200.00 imetumwa kwa Wanjiku Kamau 0712***678"
        " tarehe 23/11/26 9:05 PM. Salio jipya ni Ksh500.00. Ada Ksh0.00."
    )


def test_a_part_without_its_value_is_left_out() -> None:
    params = {"receipt": "7KQ2MRX9TB", "amount": 100, "posted_at": "2026-11-23T18:05:00+00:00"}
    assert render("withdrawal_completed", "en", params, BRAND) == (
        "7KQ2MRX9TB Confirmed. Ksh1.00 sent to M-PESA on 23/11/26 9:05 PM."
    )


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("no_such_template", {}),
        ("deposit_failed", {}),
        ("deposit_failed", {"amount": None}),
        ("deposit_failed", {"amount": "12.50"}),
        ("deposit_failed", {"amount": 12.5}),
        ("deposit_failed", {"amount": True}),
    ],
)
def test_what_can_not_be_rendered_is_told(name: str, params: dict[str, object]) -> None:
    with pytest.raises(UnrenderableError):
        render(name, "en", params, BRAND)


def test_midnight_and_noon_are_twelve_o_clock() -> None:
    assert show_moment("2026-01-04T21:00:00+00:00") == "5/1/26 12:00 AM"
    assert show_moment("2026-01-05T09:07:00+00:00") == "5/1/26 12:07 PM"


@given(st.text(max_size=90))
def test_any_name_is_shown_in_at_most_twenty_septets(name: str) -> None:
    shown = show_name(name)
    assert fits(shown, 20)


@given(st.text(max_size=300))
def test_transliteration_leaves_only_one_septet_characters(text: str) -> None:
    plain = to_gsm7(text)
    assert septets(plain) == len(plain)


def test_names_keep_their_letters() -> None:
    assert (
        to_gsm7("Ng\u2019ang\u2019a Chlo\u00e9 \u0160koda \u6f22") == "Ng'ang'a Chlo\u00e9 Skoda "
    )
