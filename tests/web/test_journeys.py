"""Every dialogue of tests/journeys, played over HTTP on the real ledger."""

import pytest
from flask.testing import FlaskClient

from ledger.db.engine import Database
from tests.journey_player import Dialogue, Player, dialogues
from ussd_app.settings import Settings

ALL = dialogues()


@pytest.mark.parametrize("dialogue", ALL, ids=lambda dialogue: dialogue.path.stem)
def test_journey(
    dialogue: Dialogue, client: FlaskClient, settings: Settings, database: Database
) -> None:
    Player(client, settings, database).play(dialogue)


def test_every_dialogue_of_english_has_one_of_kiswahili() -> None:
    names = {dialogue.path.stem for dialogue in ALL}
    english = {name.removesuffix("_en") for name in names if name.endswith("_en")}
    kiswahili = {name.removesuffix("_sw") for name in names if name.endswith("_sw")}

    assert english == kiswahili
    assert english
