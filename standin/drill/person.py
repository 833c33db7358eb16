"""A simulated person: a phone, a PIN, and no patience. Everything goes over HTTP."""

import re
import time
from collections.abc import Callable
from email import message_from_bytes, policy
from typing import Any

import requests

from standin.drill.plan import Move

PIN = "4826"
MPESA_PIN = "1234"
_PROMPT_WAIT_SECONDS = 12.0
_MAIL_WAIT_SECONDS = 30.0
_TRIES = 8
_HTTP_SECONDS = 20.0


class Person:
    """One phone and what its owner was told on screen."""

    def __init__(self, standin_url: str, ussd_code: str, sms_code: str, msisdn: str) -> None:
        self.msisdn = msisdn
        self._code = ussd_code
        self._sms_code = sms_code
        self._standin = standin_url
        self._base = f"{standin_url}/handset/{msisdn}"
        self._http = requests.Session()

    def register(self) -> None:
        """Join; raises RuntimeError when the service never lets this person in."""
        for attempt in range(_TRIES):
            screen = self._dial()
            if _option(screen, "Send money") is not None:
                self._hang_up()
                return
            for typed in ("1", "1", "Drill", f"Person{_letters(self.msisdn)}", PIN, PIN):
                screen = self._reply(typed)
            if screen.startswith("Welcome"):
                return
            self._hang_up()
            time.sleep(0.2 * (attempt + 1))
        raise RuntimeError(f"{self.msisdn} could not join: {screen!r}")

    def set_balance(self, shillings: str) -> None:
        """Give the M-Pesa customer behind the phone some money."""
        self._put(mpesa_balance=shillings)

    def confirm_address(self) -> None:
        """Ask for receipts by e-mail too; raises RuntimeError when no code comes."""
        address = f"{self.msisdn}@drill.example"
        self._text(f"EMAIL {address}")
        deadline = time.monotonic() + _MAIL_WAIT_SECONDS
        while time.monotonic() < deadline:
            for mail in self._http.get(f"{self._standin}/mail", timeout=_HTTP_SECONDS).json():
                if mail["to"] == [address]:
                    self._text(f"EMAIL {self._code_in(mail['id'])}")
                    return
            time.sleep(0.5)
        raise RuntimeError(f"no mail came to {address}")

    def _code_in(self, mail_id: int) -> str:
        raw = self._http.get(f"{self._standin}/mail/{mail_id}", timeout=_HTTP_SECONDS).content
        plain = message_from_bytes(raw, policy=policy.default).get_body(("plain",))
        found = re.search(r"\b[0-9]{6}\b", plain.get_content() if plain is not None else "")
        if found is None:
            raise RuntimeError(f"mail {mail_id} holds no code")
        return found[0]

    def do(self, move: Move) -> str:
        """Make one move and return its last screen, or a word for what stopped it."""
        actions: dict[str, Callable[[Move], str]] = {
            "deposit": self._deposit,
            "send": self._send,
            "withdraw": self._withdraw,
            "paybill": self._paybill,
        }
        try:
            return actions[move.kind](move)
        except requests.RequestException as error:
            return f"({type(error).__name__})"

    def inbox(self) -> list[str]:
        """Return all texts received, oldest first."""
        found = self._http.get(f"{self._base}/inbox", timeout=_HTTP_SECONDS).json()
        return [message["text"] for message in found]

    def _deposit(self, move: Move) -> str:
        before = {prompt["id"] for prompt in self._prompts()}
        if move.by_sms:
            self._text(f"DEP {move.amount}")
            screen = "(texted)"
        else:
            screen = self._choose("Deposit", str(move.amount))
            if "M-PESA PIN" not in screen and "M-PESA request" not in screen:
                return screen
        deadline = time.monotonic() + _PROMPT_WAIT_SECONDS
        while time.monotonic() < deadline:
            fresh = [prompt for prompt in self._prompts() if prompt["id"] not in before]
            if fresh:
                self._answer_prompt(fresh[0]["id"], move.answer)
                return screen
            time.sleep(0.4)
        return "(no prompt)"

    def _answer_prompt(self, prompt_id: str, answer: str) -> None:
        if answer == "pay_late":
            time.sleep(3)
        bodies: dict[str, dict[str, Any]] = {
            "cancel": {"cancel": True},
            "ignore": {"ignore": True},
            "wrong_pin": {"pin": "9999"},
        }
        self._post(f"/prompts/{prompt_id}", **bodies.get(answer, {"pin": MPESA_PIN}))
        if answer == "wrong_pin":
            # Three wrong tries would lock this person out of M-Pesa for good.
            self._put(mpesa_pin=MPESA_PIN)

    def _send(self, move: Move) -> str:
        return self._choose("Send money", move.to, str(move.amount), PIN)

    def _withdraw(self, move: Move) -> str:
        return self._choose("Withdraw", str(move.amount), PIN)

    def _paybill(self, move: Move) -> str:
        time.sleep(0.2)
        answer = self._post("/paybill", amount=str(move.amount), account=move.to)
        return str(answer)

    def _choose(self, label: str, *typed: str) -> str:
        """Dial, pick a menu entry by its words, and type the answers until the session ends."""
        number = self._find(label)
        if number is None:
            return f"(no entry {label})"
        screen = ""
        for one in (number, *typed):
            screen = self._reply(one)
        self._hang_up()
        return screen

    def _find(self, label: str) -> str | None:
        """Dial until the menu shows an entry, as people do while a service is away."""
        for attempt in range(_TRIES):
            screen = self._dial()
            number = _option(screen, label)
            if number is None and "\n" in screen:
                # An interrupted session is offered first; start anew.
                number = _option(self._reply("00"), label)
            if number is not None:
                return number
            if "Too many tries" in screen:
                break
            time.sleep(0.3 * (attempt + 1))
        self._hang_up()
        return None

    def _dial(self) -> str:
        self._hang_up()
        return str(self._post("/dial", input=self._code).get("screen") or "")

    def _reply(self, text: str) -> str:
        return str(self._post("/reply", input=text).get("screen") or "")

    def _hang_up(self) -> None:
        self._post("/hangup")

    def _text(self, text: str) -> None:
        self._post("/sms", to=self._sms_code, text=text)

    def _prompts(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._http.get(
            f"{self._base}/prompts", timeout=_HTTP_SECONDS
        ).json()
        return found

    def _post(self, path: str, **body: Any) -> dict[str, Any]:
        answer = self._http.post(self._base + path, json=body, timeout=_HTTP_SECONDS)
        try:
            found = answer.json()
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    def _put(self, **body: Any) -> None:
        self._http.put(self._base, json=body, timeout=_HTTP_SECONDS)


def _option(screen: str, label: str) -> str | None:
    found = re.search(rf"^(\d+) {label}", screen, re.M)
    return found[1] if found else None


def _letters(digits: str) -> str:
    return "".join(chr(ord("a") + int(digit)) for digit in digits[-4:])
