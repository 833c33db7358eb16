"""A person with a feature phone, through the stand-in's routes over HTTP and nothing else."""

from dataclasses import dataclass
from typing import Any

import requests

from tests.e2e.stack import Running, wait_until

PIN = "4826"
MPESA_PIN = "1234"


@dataclass
class Handset:
    """One phone. ``msisdn`` is in Daraja's form: ``2547XXXXXXXX``."""

    up: Running
    msisdn: str

    def _url(self, path: str) -> str:
        return f"{self.up.where['standin']}/handset/{self.msisdn}{path}"

    def _post(self, path: str, **body: Any) -> Any:
        response = requests.post(self._url(path), json=body, timeout=15)
        response.raise_for_status()
        return response.json()

    def dial(self, *typed: str) -> str:
        """Dial the code, then type each answer; returns the last screen."""
        screen: str = self._post("/dial", input=self.up.where["ussd_code"])["screen"]
        for one in typed:
            screen = self._post("/reply", input=one)["screen"]
        return screen

    def register(self) -> str:
        """Join as Jane Wanjiru, in English."""
        return self.dial("1", "1", "Jane", "Wanjiru", PIN, PIN)

    def prompt(self) -> dict[str, Any]:
        """Wait for M-Pesa's prompt and return it."""
        found: list[dict[str, Any]] = []

        def arrived() -> bool:
            found[:] = requests.get(self._url("/prompts"), timeout=5).json()
            return bool(found)

        wait_until(arrived)
        return found[0]

    def answer_prompt(self, **answer: Any) -> None:
        """Enter the M-Pesa PIN at the prompt, or cancel or ignore it."""
        self.answer(self.prompt(), **(answer or {"pin": MPESA_PIN}))

    def answer(self, prompt: dict[str, Any], **answer: Any) -> None:
        """Answer a prompt that was read before."""
        self._post(f"/prompts/{prompt['id']}", **answer)

    def inbox(self) -> list[str]:
        """Return the texts received, oldest first."""
        return [m["text"] for m in requests.get(self._url("/inbox"), timeout=5).json()]

    def wait_for_sms(self, words: str, seconds: float = 20) -> str:
        """Wait for a text that holds some words and return it."""
        wait_until(lambda: any(words in text for text in self.inbox()), seconds)
        return next(text for text in self.inbox() if words in text)

    def change(self, **what: Any) -> None:
        """Change the M-Pesa customer behind the phone, such as ``mpesa_balance``."""
        requests.put(self._url(""), json=what, timeout=5).raise_for_status()

    def mpesa_balance(self) -> str:
        """Return what M-Pesa holds for this person."""
        balance: str = requests.get(self._url(""), timeout=5).json()["mpesa_balance"]
        return balance

    def payment(self) -> dict[str, Any]:
        """Return the row of this phone's newest payment."""
        query = "SELECT * FROM payments WHERE msisdn = %s ORDER BY id DESC LIMIT 1"
        return self.up.rows(query, f"+{self.msisdn}")[0]

    def balance(self) -> str:
        """Dial for the balance and return the screen."""
        return self.dial("3", PIN)
