"""Documents that repeat the code are held against it."""

import re
from pathlib import Path

import pytest

from ledger.core.daraja_codes import payout_failure
from ledger.core.payments import PaymentState
from standin.behaviour import Behaviour
from standin.faults import PLACES
from tests.conftest import settings_of
from ussd_app.configuration import markdown_table
from ussd_app.settings import Settings

ROOT = Path(__file__).resolve().parents[2]


def example_variables() -> dict[str, str]:
    """The variables of .env.example, those behind a # too."""
    pairs = re.findall(r"^#?([A-Z][A-Z0-9_]+)=(.*)$", (ROOT / ".env.example").read_text(), re.M)
    return dict(pairs)


def test_configuration_page_is_the_settings() -> None:
    """Renew it with: cycle config document."""
    assert markdown_table() in (ROOT / "docs" / "configuration.md").read_text("utf-8")


def test_env_example_names_every_variable_and_no_other() -> None:
    assert set(example_variables()) == {name.upper() for name in Settings.model_fields}


def test_env_example_shows_every_needed_variable_uncommented() -> None:
    text = (ROOT / ".env.example").read_text()
    needed = [name.upper() for name, field in Settings.model_fields.items() if field.is_required()]

    assert [name for name in needed if not re.search(rf"^{name}=", text, re.M)] == []


def test_env_example_is_well_formed_and_refused_by_production() -> None:
    text = (ROOT / ".env.example").read_text()
    shown = dict(re.findall(r"^([A-Z][A-Z0-9_]+)=(.*)$", text, re.M))
    settings_of(shown | {"ENVIRONMENT": "development"})
    with pytest.raises(ValueError, match="development secret"):
        settings_of(shown | {"ENVIRONMENT": "production"})


def test_links_between_documents_lead_somewhere() -> None:
    broken = [
        f"{page.relative_to(ROOT)}: {target}"
        for page in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text("utf-8"))
        if "://" not in target and not (page.parent / target).exists()
    ]
    assert broken == []


def test_commands_in_the_readme_exist() -> None:
    """Every `cycle x` and `make x` that README names is a real one."""
    text = (ROOT / "README.md").read_text("utf-8")
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.M))
    commands = {
        path.stem.replace("_", "-") for path in (ROOT / "ussd_app" / "cli").glob("[a-z]*.py")
    }

    assert set(re.findall(r"`make ([a-z]+)", text)) <= targets
    assert set(re.findall(r"`cycle ([a-z][a-z-]*)", text)) <= commands


def test_operations_tells_what_each_state_reason_and_pause_of_a_payment_means() -> None:
    text = (ROOT / "docs" / "operations.md").read_text("utf-8")
    rules = (ROOT / "ledger" / "core" / "payments.py").read_text("utf-8")
    reasons = set(re.findall(r'Step\.(?:ASK|CONFLICT), "(\w+)"|        return "(\w+)"', rules))
    codes = [str(number) for number in range(10_000)]
    pauses = {payout_failure(code).pause_reason for code in codes} - {None}
    words = {state.value for state in PaymentState} | {a or b for a, b in reasons} | pauses
    assert len(words) > 15
    assert [word for word in sorted(map(str, words)) if f"`{word}`" not in text] == []


def test_the_stand_ins_page_names_every_place_kind_and_switch() -> None:
    text = (ROOT / "docs" / "standin.md").read_text("utf-8")
    words = {*PLACES, *(kind for kinds in PLACES.values() for kind in kinds)}
    words |= Behaviour.model_fields.keys()
    assert [word for word in sorted(words) if f"`{word}`" not in text] == []
