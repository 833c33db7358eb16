"""The whole of Cycle on one machine: engines, the product's processes, the outside world.

`cycle up` runs one of these; a drill runs one and kills and restarts its processes by name:
``postgres``, ``redis``, ``standin``, ``web``, ``worker``, ``cron``.
"""

import fcntl
import os
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import requests

from standin.development import ADMIN_EMAIL, SMS_CODE, USSD_CODE, DevelopmentSecrets, environment
from standin.engines import postgres, redis_server
from standin.processes import ProcessError, Program, Supervisor, free_port, require_free_port
from standin.procfile import read_procfile, shell_command

ROOT = Path(__file__).resolve().parents[1]
_PROBE_SECONDS = 2.0


@dataclass(frozen=True)
class Addresses:
    """Where everything answers: what `cycle up --json` prints."""

    web: str
    standin: str
    database_url: str
    redis_url: str
    ussd_code: str
    sms_code: str
    at_key: str
    admin_email: str
    admin_password: str

    def as_json(self) -> dict[str, object]:
        """Return the contract of `cycle up --json`."""
        return {
            "web": self.web,
            "standin": self.standin,
            "database_url": self.database_url,
            "redis_url": self.redis_url,
            "ussd_code": self.ussd_code,
            "sms_code": self.sms_code,
            "at_key": self.at_key,
            "admin": {"email": self.admin_email, "password": self.admin_password},
        }


class Stack:
    """Starts everything in order and knows it by name. Use it as a context manager.

    Without a folder all data is temporary. A port of None is any free one. Servers named
    by DATABASE_URL and REDIS_URL in the environment are used instead of embedded ones.
    """

    def __init__(
        self,
        folder: Path | None = None,
        *,
        web_port: int | None = None,
        standin_port: int | None = None,
    ) -> None:
        self._temporary = folder is None
        self._folder = folder or Path(tempfile.mkdtemp(prefix="cycle-"))
        self._folder.mkdir(parents=True, exist_ok=True)
        self._web_port = web_port or free_port()
        self._standin_port = standin_port or free_port()
        self._lock: IO[str] | None = None
        self.supervisor = Supervisor(self._folder / "log")
        self.environment: dict[str, str] = {}

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def log_folder(self) -> Path:
        """Where each process's log is."""
        return self._folder / "log"

    def close(self) -> None:
        """Stop every process, the last one started first; remove temporary data."""
        self.supervisor.stop_all()
        if self._lock is not None:
            self._lock.close()
        if self._temporary:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _start(self) -> None:
        self._claim_folder()
        require_free_port(self._web_port, "web")
        require_free_port(self._standin_port, "the stand-in")
        database_url, redis_url = self._start_engines()
        secrets = DevelopmentSecrets.of_folder(self._folder / "secrets")
        self.environment = {
            **environment(
                secrets,
                database_url=database_url,
                redis_url=redis_url,
                web_url=f"http://127.0.0.1:{self._web_port}",
                standin_url=f"http://127.0.0.1:{self._standin_port}",
                smtp_port=free_port(),
            ),
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
            "PYTHONPATH": str(ROOT),
            "PYTHONUNBUFFERED": "1",
        }
        self.addresses = Addresses(
            web=self.environment["PUBLIC_URL"],
            standin=f"http://127.0.0.1:{self._standin_port}",
            database_url=database_url,
            redis_url=redis_url,
            ussd_code=USSD_CODE,
            sms_code=SMS_CODE,
            at_key=secrets.values["AT_CALLBACK_KEYS"],
            admin_email=ADMIN_EMAIL,
            admin_password=secrets.values["ADMIN_PASSWORD"],
        )
        self._start_product(read_procfile(ROOT / "Procfile"))

    def _claim_folder(self) -> None:
        lock = (self._folder / "lock").open("a+")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            raise ProcessError(f"{self._folder} is in use by another `cycle up`") from None
        self._lock = lock

    def _start_engines(self) -> tuple[str, str]:
        """Start what no URL names; return the URLs of PostgreSQL and Redis."""
        urls: dict[str, str | None] = {
            "postgres": os.environ.get("DATABASE_OWNER_URL") or os.environ.get("DATABASE_URL"),
            "redis": os.environ.get("REDIS_URL"),
        }
        durable = not self._temporary
        for name, prepare in (("postgres", postgres), ("redis", redis_server)):
            if urls[name] is None:
                engine = prepare(self._folder / name, durable=durable)
                urls[name] = engine.url
                self.supervisor.launch(engine.program)
        for name in self.supervisor.names():
            self.supervisor.wait_ready(name)
        return str(urls["postgres"]), str(urls["redis"])

    def _start_product(self, commands: dict[str, str]) -> None:
        self.supervisor.launch(self._standin())
        self.supervisor.run(self._product("release", commands["release"]))
        for name in ("web", "worker", "cron"):
            self.supervisor.launch(self._product(name, commands[name]))
        demo = f"python -m ussd_app.cli demo --admin {self.addresses.admin_email}"
        self.supervisor.run(self._product("demo", demo, self.addresses.admin_password))
        self.supervisor.wait_ready("standin")
        self.supervisor.wait_ready("web")

    def _product(self, name: str, command: str, typed: str = "") -> Program:
        web = self.environment["PUBLIC_URL"]
        return Program(
            name=name,
            command=shell_command(command),
            environment={**self.environment, "PORT": str(self._web_port)},
            directory=ROOT,
            ready=(lambda: _answers(f"{web}/readyz", 200)) if name == "web" else lambda: True,
            input=typed.encode(),
        )

    def _standin(self) -> Program:
        address = f"http://127.0.0.1:{self._standin_port}"
        ports = ["--port", str(self._standin_port), "--smtp-port", self.environment["SMTP_PORT"]]
        return Program(
            name="standin",
            command=[sys.executable, "-m", "standin", *ports],
            environment=self.environment,
            directory=ROOT,
            ready=lambda: _answers(f"{address}/mail", 200),
        )


def _answers(url: str, status: int) -> bool:
    try:
        return requests.get(url, timeout=_PROBE_SECONDS).status_code == status
    except requests.RequestException:
        return False
