"""The supervisor: what it says when a child misbehaves, and that nothing outlives it."""

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from standin.processes import (
    PortBusyError,
    ProcessError,
    Program,
    Supervisor,
    free_port,
    require_free_port,
)
from standin.procfile import read_procfile, shell_command
from tests.e2e.stack import wait_until


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[Supervisor]:
    with Supervisor(tmp_path / "log") as running:
        yield running


def python(code: str, **options: object) -> Program:
    return Program(name="child", command=[sys.executable, "-c", code], **options)


def test_child_that_ends_before_it_is_ready_is_named_with_its_last_lines(supervisor) -> None:
    program = python("print('no way'); raise SystemExit(3)", ready=lambda: False)

    with pytest.raises(ProcessError, match=r"child ended with exit code 3(?s:.*)no way"):
        supervisor.start(program)


def test_child_that_is_never_ready_is_named(supervisor) -> None:
    program = python("import time; time.sleep(60)", ready=lambda: False, ready_seconds=0.2)

    with pytest.raises(ProcessError, match="child was not ready"):
        supervisor.start(program)


def test_only_lines_of_the_present_run_are_shown(supervisor) -> None:
    supervisor.run(python("print('first run')"))

    with pytest.raises(ProcessError) as failure:
        supervisor.run(python("print('second run'); raise SystemExit(1)"))

    assert "second run" in str(failure.value)
    assert "first run" not in str(failure.value)


def test_stopping_takes_grandchildren_that_ignore_signals(supervisor) -> None:
    stubborn = "import signal,time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"
    supervisor.start(
        python(
            f"import subprocess,sys; subprocess.Popen([sys.executable, '-c', {stubborn!r}]).wait()"
        )
    )
    process = psutil.Process(supervisor.process_id("child"))
    wait_until(lambda: bool(process.children()))
    grandchild = process.children()[0]

    supervisor.stop("child")

    assert psutil.wait_procs([process, grandchild], timeout=5)[1] == []


def test_killed_child_is_dead_until_it_is_restarted(supervisor) -> None:
    supervisor.start(python("import time; time.sleep(60)"))
    assert supervisor.dead() is None

    supervisor.kill("child")
    assert supervisor.dead() == "child"
    assert "SIGKILL" in supervisor.obituary("child")

    supervisor.restart("child")
    assert supervisor.dead() is None


def test_child_is_asked_by_its_own_signal(supervisor) -> None:
    code = "import signal; signal.sigwait([signal.SIGINT]); print('asked')"
    supervisor.start(
        Program(
            name="child",
            command=[
                sys.executable,
                "-c",
                "import signal\nsignal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])\n"
                f"print('up', flush=True)\n{code}",
            ],
            stop_signal=signal.SIGINT,
            ready=lambda: "up" in supervisor.log_file("child").read_text(),
        )
    )

    supervisor.stop("child")

    assert "asked" in supervisor.log_file("child").read_text()


def test_taken_port_names_its_owner() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(PortBusyError, match=r"wanted for web, is taken by .*process \d+"):
            require_free_port(taken.getsockname()[1], "web")


def test_free_port_is_free() -> None:
    port = free_port()
    assert 1024 <= port <= 65535
    require_free_port(port, "web")


def test_procfile_of_the_project_names_the_four_processes(project_root: Path) -> None:
    assert set(read_procfile(project_root / "Procfile")) == {"release", "web", "worker", "cron"}


@pytest.mark.parametrize("text", ["web granian", "web: a\nweb: b", ": x", "web:"])
def test_procfile_with_a_line_that_means_nothing_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "Procfile").write_text(text)

    with pytest.raises(ValueError, match="Procfile, line"):
        read_procfile(tmp_path / "Procfile")


def test_procfile_line_sees_variables_and_leaves_no_shell() -> None:
    code = "import os, sys; print(os.getpid(), sys.argv[1])"
    words = shell_command(f'{sys.executable} -c "{code}" $ANSWER')

    with subprocess.Popen(
        words, env={"ANSWER": "42"}, stdout=subprocess.PIPE, text=True
    ) as process:
        output, _ = process.communicate()

    assert output.split() == [str(process.pid), "42"]
