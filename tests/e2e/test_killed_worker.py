"""A worker killed at the worst moment: the money arrives, and `cycle up` says who died."""

import signal
import subprocess
import sys

import psutil
import pytest

from tests.e2e.handset import MPESA_PIN, Handset
from tests.e2e.stack import ROOT, Running, wait_until


@pytest.mark.ends_up
@pytest.mark.xdist_group("outages")
def test_a_worker_killed_between_callback_and_job_loses_nothing_and_ends_up_by_name(
    troubled_up: Running,
) -> None:
    up = troubled_up
    member = Handset(up, "254712999001")
    member.register()
    worker = up.child("jobs.worker")
    environment = worker.environ()
    member.dial("2", "500")
    prompt = member.prompt()
    worker.suspend()
    member.answer(prompt, pin=MPESA_PIN)
    token = member.payment()["token"]
    wait_until(
        lambda: (
            up.rows("SELECT state FROM mpesa_callbacks WHERE token = %s", token)
            == [{"state": "received"}]
        )
    )
    # The supervisor ends with a dead child, so it sleeps while another worker takes over.
    up.process.send_signal(signal.SIGSTOP)
    family = up.descendants()
    worker.kill()
    successor = subprocess.Popen([sys.executable, "-m", "jobs.worker"], env=environment, cwd=ROOT)
    try:
        member.wait_for_sms("deposited from M-PESA", 30)
        assert "Ksh500.00" in member.balance()
        assert sum("deposited" in text for text in member.inbox()) == 1
    finally:
        successor.terminate()
        successor.wait(20)
        up.process.send_signal(signal.SIGCONT)
    assert up.process.wait(30) == 1
    _, alive = psutil.wait_procs(family, timeout=5)
    assert alive == []
    assert "worker ended with signal SIGKILL" in up.stderr()
