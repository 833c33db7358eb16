"""Web processes of one machine add their figures up."""

import os
import subprocess
import sys
from pathlib import Path

COUNT_ONE = """
from ussd_app.metrics import REQUEST_SECONDS
REQUEST_SECONDS.labels('/at/<key>/ussd', 'POST', 200).observe(0.01)
"""
SCRAPE = """
from prometheus_client import generate_latest
from ussd_app.metrics import scrape_registry
print(generate_latest(scrape_registry()).decode())
"""


def python(code: str, folder: Path, root: Path) -> str:
    environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(folder), "PYTHONPATH": str(root)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout


def test_processes_that_share_a_folder_are_summed(tmp_path: Path, project_root: Path) -> None:
    for _ in range(2):
        python(COUNT_ONE, tmp_path, project_root)

    figures = python(SCRAPE, tmp_path, project_root)

    labels = 'method="POST",route="/at/<key>/ussd",status="200"'
    assert f"cycle_request_seconds_count{{{labels}}} 2.0" in figures
