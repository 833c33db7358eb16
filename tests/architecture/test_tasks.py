"""Every task has its file, its function, and somebody who rings its bell."""

import inspect
import re
from pathlib import Path

import pytest

from jobs.cron import SCHEDULE
from jobs.queue import Task
from jobs.worker import resolve

ROOT = Path(__file__).resolve().parents[2]
RUNG = {
    match
    for package in ("jobs", "ussd_app")
    for path in (ROOT / package).rglob("*.py")
    for match in re.findall(r"ring\([^)]*?Task\.([A-Z_]+)", path.read_text("utf-8"))
}


@pytest.mark.parametrize("task", list(Task))
def test_task_runs_with_services_alone(task: Task) -> None:
    parameters = list(inspect.signature(resolve(task)).parameters)

    assert parameters[:1] == ["services"]
    name = task.name.lower()
    assert str(task) in (f"jobs.tasks.{name}.run", f"ussd_app.tasks.{name}.run")


@pytest.mark.parametrize("task", list(Task))
def test_task_is_scheduled_or_rung(task: Task) -> None:
    assert task in SCHEDULE or task.name in RUNG


@pytest.mark.parametrize("task", sorted(RUNG))
def test_rung_task_is_also_swept(task: str) -> None:
    """A bell can be lost with Redis; the clock must ring it again."""
    assert Task[task] in SCHEDULE


def test_every_file_of_tasks_is_a_task() -> None:
    files = {
        path.stem
        for package in ("jobs", "ussd_app")
        for path in (ROOT / package / "tasks").glob("*.py")
    }

    assert files - {"__init__"} - {task.name.lower() for task in Task} == set()
