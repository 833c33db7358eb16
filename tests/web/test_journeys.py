"""Every dialogue of tests/journeys, played over HTTP on the real ledger."""

import re

import pytest
from flask.testing import FlaskClient

from ledger.db.engine import Database
from tests.journey_player import Dialogue, Player, dialogues
from ussd_app.flow.model import LANGUAGES, Language
from ussd_app.screens import flow
from ussd_app.settings import Settings

ALL = dialogues()


@pytest.mark.parametrize("dialogue", ALL, ids=lambda dialogue: dialogue.path.stem)
def test_every_screen_of_a_dialogue_shows_as_it_is_written(
    dialogue: Dialogue, client: FlaskClient, settings: Settings, database: Database
) -> None:
    assert sum(bool(line.shows) for line in dialogue.lines) >= 3
    assert Player(client, settings, database).play(dialogue) == ""


OUTCOMES_OF_A_LOST_ANSWER = {"was_sent", "was_done", "is_pending", "has_failed"}
"""No dialogue can lose an answer after its effect: tests/e2e/test_ussd_outages does."""


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_screen_stands_in_a_dialogue_of_each_language(language: Language) -> None:
    shown = "\n\n".join(
        "\n".join(line.shows)
        for dialogue in ALL
        if dialogue.path.stem.endswith(f"_{language}")
        for line in dialogue.lines
    )
    missing = {
        name
        for name, screen in flow().screens.items()
        if not re.search(_pattern(screen.text.written(language)), shown)
    }
    assert missing == OUTCOMES_OF_A_LOST_ANSWER


def _pattern(text: str) -> str:
    parts = re.split(r"\{[a-z_]+\}", text)
    return r"[^\n]+?".join(re.escape(part) for part in parts)


def test_every_dialogue_of_english_has_one_of_kiswahili() -> None:
    names = {dialogue.path.stem for dialogue in ALL}
    english = {name.removesuffix("_en") for name in names if name.endswith("_en")}
    kiswahili = {name.removesuffix("_sw") for name in names if name.endswith("_sw")}

    assert english == kiswahili
    assert english
