"""Child processes that die with us: started, watched, restarted and stopped by name.

Each child leads its own process group, so that stopping it takes its children along. On
Linux the kernel also ends it when this process is killed and can't stop it any more.
"""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import psutil

_POLL_SECONDS = 0.02
_STOP_SECONDS = 10.0
_LAST_LINES = 15


class ProcessError(Exception):
    """A child did not do as it should; the text names it and shows its last log lines."""


class PortBusyError(ProcessError):
    """Somebody else listens on a port that a child needs."""


@dataclass(frozen=True)
class Program:
    """How to run one child and how to know that it is of use.

    ``stop_signal`` asks it to finish; ``ready`` is asked until it says True; ``user`` is
    who runs it when we are root, None for ourselves; ``input`` is what it reads on standard
    input, at most a pipe's buffer.
    """

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    directory: Path | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    ready: Callable[[], bool] = lambda: True
    ready_seconds: float = 60.0
    user: str | None = None
    input: bytes = b""


@dataclass
class _Child:
    program: Program
    process: subprocess.Popen[bytes]
    log_start: int


class Supervisor:
    """Runs programs and keeps a log file for each in one folder."""

    def __init__(self, log_directory: Path) -> None:
        self._logs = log_directory
        self._logs.mkdir(parents=True, exist_ok=True)
        self._children: dict[str, _Child] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop_all()

    def launch(self, program: Program) -> None:
        """Start a program without waiting for it to be ready."""
        log = self.log_file(program.name)
        with log.open("ab") as output:
            start = output.tell()
            process = self._spawn(program, output)
        self._children[program.name] = _Child(program, process, start)

    def wait_ready(self, name: str) -> None:
        """Wait until a launched program is ready; raise ProcessError if it dies or never is."""
        child = self._children[name]
        deadline = time.monotonic() + child.program.ready_seconds
        while True:
            if child.process.poll() is not None:
                raise ProcessError(self.obituary(name))
            if child.program.ready():
                return
            if time.monotonic() > deadline:
                raise ProcessError(
                    f"{name} was not ready after {child.program.ready_seconds:.0f} s;"
                    f" its last lines:\n{self.last_lines(name)}"
                )
            time.sleep(_POLL_SECONDS)

    def start(self, program: Program) -> None:
        """Start a program and wait until it is ready."""
        self.launch(program)
        self.wait_ready(program.name)

    def run(self, *programs: Program) -> None:
        """Run programs to their end, side by side; raise ProcessError when one fails."""
        for program in programs:
            self.launch(program)
        for program in programs:
            if self._children[program.name].process.wait() != 0:
                raise ProcessError(self.obituary(program.name))
            del self._children[program.name]

    def kill(self, name: str, with_signal: signal.Signals = signal.SIGKILL) -> None:
        """Send a signal to a child and its children, as a drill does; SIGKILL is waited for."""
        child = self._children[name]
        family = _descendants(child.process)
        _signal_group(child.process, with_signal)
        if with_signal is signal.SIGKILL:
            child.process.wait()
            # PostgreSQL's processes lead groups of their own, and soon notice what happened.
            psutil.wait_procs(family, _STOP_SECONDS)

    def restart(self, name: str) -> None:
        """Start a child again that was stopped or killed, and wait until it is ready."""
        program = self._children[name].program
        self.stop(name)
        self.start(program)

    def stop(self, name: str) -> None:
        """Ask a child to finish; after ten seconds end it and all of its group."""
        child = self._children[name]
        if child.process.poll() is None:
            child.process.send_signal(child.program.stop_signal)
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.process.wait(_STOP_SECONDS)
        _signal_group(child.process, signal.SIGKILL)
        child.process.wait()

    def stop_all(self) -> None:
        """Stop all children, the last one started first."""
        for name in reversed(self._children):
            self.stop(name)
        self._children.clear()

    def dead(self) -> str | None:
        """Return the name of a child that ended by itself, if any."""
        for name, child in self._children.items():
            if child.process.poll() is not None:
                return name
        return None

    def names(self) -> list[str]:
        """Return the names of the children, in the order of their start."""
        return list(self._children)

    def process_id(self, name: str) -> int:
        """Return a child's process id."""
        return self._children[name].process.pid

    def log_file(self, name: str) -> Path:
        """Return where a child's output goes."""
        return self._logs / f"{name}.log"

    def last_lines(self, name: str) -> str:
        """Return the end of what a child wrote since it was started."""
        with self.log_file(name).open("rb") as log:
            log.seek(self._children[name].log_start)
            lines = log.read().decode(errors="replace").splitlines()
        return "\n".join(f"  {line}" for line in lines[-_LAST_LINES:])

    def obituary(self, name: str) -> str:
        """Say how a dead child ended, with its last lines."""
        code = self._children[name].process.returncode
        how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
        return f"{name} ended with {how}; its last lines:\n{self.last_lines(name)}"

    @staticmethod
    def _spawn(program: Program, output: IO[bytes]) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [*bound_to_parent(program), *program.command],
            cwd=program.directory,
            env={**os.environ, **program.environment},
            stdin=subprocess.PIPE if program.input else subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        if process.stdin is not None:
            with process.stdin, contextlib.suppress(BrokenPipeError):
                process.stdin.write(program.input)
        return process


def bound_to_parent(program: Program) -> list[str]:
    """Return the words before a command that tie its life to ours, and its user.

    ``setpriv`` (util-linux) asks the kernel for a signal at our death. When root runs a
    program as another user below a folder such as /root that this user can't enter, the
    program keeps the one capability that lets it pass.
    """
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        return []
    words = [setpriv, "--pdeathsig", program.stop_signal.name.removeprefix("SIG")]
    if program.user is not None and os.geteuid() == 0:
        words += [f"--reuid={program.user}", f"--regid={_group_of(program.user)}", "--clear-groups"]
        words += ["--inh-caps=-all,+dac_override", "--ambient-caps=-all,+dac_override"]
    return [*words, "--"]


def _group_of(user: str) -> int:
    import pwd

    return pwd.getpwnam(user).pw_gid


def _signal_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    try:
        os.killpg(process.pid, number)
    except (ProcessLookupError, PermissionError):
        return  # nobody of the group is left


def _descendants(process: subprocess.Popen[bytes]) -> list[psutil.Process]:
    try:
        return psutil.Process(process.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def free_port() -> int:
    """Return a TCP port of the loopback address that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def require_free_port(port: int, owner: str) -> None:
    """Raise PortBusyError, naming who listens if the system tells, when a port is taken."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise PortBusyError(
                f"port {port}, wanted for {owner}, is taken by {_listener(port)}"
            ) from None


def _listener(port: int) -> str:
    try:
        for connection in psutil.net_connections(kind="tcp"):
            if connection.laddr and connection.laddr.port == port and connection.pid:
                name = psutil.Process(connection.pid).name()
                return f"{name} (process {connection.pid})"
    except psutil.Error:
        pass
    return "another process"
