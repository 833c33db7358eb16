"""The picture of the journeys is drawn from the screens, and the documents show today's."""

import re
from pathlib import Path
from xml.etree import ElementTree

from click.testing import CliRunner

from ussd_app.cli.menus import command
from ussd_app.flow.picture import mermaid, svg
from ussd_app.screens import flow, journeys

ROOT = Path(__file__).resolve().parents[2]


def test_the_picture_in_the_documents_is_fresh() -> None:
    """Renew it with: cycle menus --svg > docs/images/menus.svg."""
    assert (ROOT / "docs/images/menus.svg").read_text("utf-8") == svg(flow(), journeys())


def test_every_screen_stands_in_the_picture_once() -> None:
    drawn = ElementTree.fromstring(svg(flow(), journeys()))
    names = [
        (text.text or "").split(" ")[0]
        for text in drawn.iter("{http://www.w3.org/2000/svg}text")
        if text.get("class") == "name"
    ]

    assert sorted(names) == sorted(flow().screens)


def test_mermaid_draws_every_way_between_screens() -> None:
    chart = mermaid(flow(), journeys())
    ways = set(re.findall(r"^  (\w+) -->\|.*\| (\w+)$", chart, re.M))

    assert ("send_to", "send_amount") in ways
    assert ("send_amount", "send_pin") in ways
    assert {name for way in ways for name in way} <= set(flow().screens)


def test_the_command_proves_and_lists() -> None:
    proved = CliRunner().invoke(command, ["--check"])
    listed = CliRunner().invoke(command, [])

    assert proved.exit_code == 0
    assert "0 problems" in proved.output
    assert "  send_pin (PIN)" in listed.output
