"""`cycle dial`: a phone in the terminal, speaking to the stand-in's handset routes."""

import sys
import time
from dataclasses import dataclass, field
from typing import Any

import click
import requests
from rich.console import Console
from rich.panel import Panel
from rich.text import Text

from standin.numbers import to_msisdn

_TIMEOUT_SECONDS = 10.0
_POLL_SECONDS = 0.3
_WIDTH = 36


class NoAnswerError(click.ClickException):
    """The stand-in did not answer, or not as a phone's network would."""


@dataclass
class Phone:
    """One handset: what it asks of the network, and which messages it has shown."""

    url: str
    session: requests.Session = field(default_factory=requests.Session)
    shown: int = 0

    def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """Send one request; raise NoAnswerError when the stand-in can't or won't answer."""
        try:
            answer = self.session.request(
                method, f"{self.url}{path}", json=body, timeout=_TIMEOUT_SECONDS
            )
        except requests.RequestException:
            raise NoAnswerError(
                f"no stand-in answers at {self.url}: is `cycle up` running?"
            ) from None
        if not answer.ok:
            raise NoAnswerError(answer.json().get("error", answer.reason))
        return answer.json()

    def new_messages(self) -> list[dict[str, str]]:
        """Return SMS that came since the last look, oldest first."""
        messages: list[dict[str, str]] = self.ask("GET", "/inbox")
        fresh = messages[self.shown :]
        self.shown = len(messages)
        return fresh

    def prompts(self) -> list[dict[str, Any]]:
        """Return M-Pesa prompts that wait for a PIN."""
        waiting: list[dict[str, Any]] = self.ask("GET", "/prompts")
        return waiting


@click.command()
@click.argument("msisdn")
@click.argument("code", default="*384*2929#")
@click.option(
    "--standin", default="http://127.0.0.1:8001", show_default=True, help="Stand-in's address."
)
@click.option(
    "--wait",
    default=15.0,
    show_default=True,
    help="Seconds to wait for prompts and SMS after the session.",
)
def dial(msisdn: str, code: str, standin: str, wait: float) -> None:
    """Dial CODE from the phone MSISDN, in the terminal; needs a running `cycle up`.

    An empty line hangs up. M-Pesa prompts and SMS are shown as they come.
    """
    number = to_msisdn(msisdn)
    if number is None:
        raise click.BadParameter("not a Kenyan mobile number", param_hint="MSISDN")
    console = Console(highlight=False)
    phone = Phone(f"{standin.rstrip('/')}/handset/{number}")
    phone.new_messages()
    try:
        _talk(phone, console, code)
        _linger(phone, console, wait)
    except (KeyboardInterrupt, EOFError):
        phone.ask("POST", "/hangup")
        console.print("[dim]hung up[/]")


def _talk(phone: Phone, console: Console, code: str) -> None:
    """Hold one USSD session until either side ends it."""
    view = phone.ask("POST", "/dial", {"input": code})
    while True:
        _show(console, str(view["screen"]), "USSD", "green" if view["open"] else "yellow")
        if not view["open"]:
            return
        typed = _read("> ")
        if not typed:
            phone.ask("POST", "/hangup")
            console.print("[dim]hung up[/]")
            return
        view = phone.ask("POST", "/reply", {"input": typed})


def _linger(phone: Phone, console: Console, seconds: float) -> None:
    """Show prompts and SMS until nothing has come for a while."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        for message in phone.new_messages():
            _show(console, message["text"], f"SMS from {message['from']}", "cyan")
            deadline = time.monotonic() + seconds
        for prompt in phone.prompts():
            _answer(phone, console, prompt)
            deadline = time.monotonic() + seconds
        time.sleep(_POLL_SECONDS)


def _answer(phone: Phone, console: Console, prompt: dict[str, Any]) -> None:
    text = f"Pay Ksh{prompt['amount']} to {prompt['business']}, account {prompt['reference']}"
    _show(console, text, "M-PESA", "magenta")
    pin = _read("M-Pesa PIN (empty cancels)> ")
    body: dict[str, Any] = {"pin": pin} if pin else {"cancel": True}
    phone.ask("POST", f"/prompts/{prompt['id']}", body)


def _read(prompt: str) -> str:
    """Read one line; a script may pipe its lines in."""
    text = input(prompt)
    if not sys.stdin.isatty():
        click.echo(text)
    return text.strip()


def _show(console: Console, text: str, title: str, colour: str) -> None:
    console.print(
        Panel(Text(text), title=title, width=_WIDTH, border_style=colour, title_align="left")
    )


if __name__ == "__main__":
    dial(prog_name="cycle dial")
