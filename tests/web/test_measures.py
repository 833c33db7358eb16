"""The figures for Prometheus, and the dashboard that shows them."""

import json
import re
from pathlib import Path

from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families

from ledger.db.engine import Database
from tests.web.api_people import join
from ussd_app.settings import Settings

_METRIC = re.compile(r"\bcycle_[a-z_]+")
_SUFFIX = re.compile(r"_(bucket|count|sum)$")


def _names(client: FlaskClient) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = {}
    for family in text_string_to_metric_families(client.get("/metrics").text):
        found[family.name] = {
            ",".join(sample.labels.values()): sample.value for sample in family.samples
        }
    return found


def test_every_figure_of_the_dashboard_is_measured(client: FlaskClient, project_root: Path) -> None:
    client.get("/healthz")
    dashboard = json.loads((project_root / "docs/grafana/cycle.json").read_text("utf-8"))
    wanted = {
        _SUFFIX.sub("", name)
        for panel in dashboard["panels"]
        for target in panel["targets"]
        for name in _METRIC.findall(target["expr"])
    }
    assert wanted
    assert wanted <= set(_names(client))


def test_money_is_measured_in_shillings(
    client: FlaskClient, database: Database, settings: Settings
) -> None:
    before = _names(client)["cycle_ledger_balance_kes"]
    join(client, database, settings, balance=12_345)
    after = _names(client)["cycle_ledger_balance_kes"]
    assert round(after["WALLETS"] - before["WALLETS"], 2) == 123.45
    assert round(after["CASH"] - before["CASH"], 2) == 123.45
