"""One drill from start to verdict: start all, let people move, break things, settle, compare."""

import os
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import requests

from standin.drill import plan
from standin.drill.comparison import Findings, compare_money, compare_receipts, compare_transfers
from standin.drill.ledger_book import LedgerBook
from standin.drill.person import Person
from standin.drill.plan import Move
from standin.processes import ProcessError, Program
from standin.stack import ROOT, Stack

PACE = 0.25
"""How much sooner than usual Daraja is asked about payments, so that a drill ends soon."""
_REQUESTS_PER_SECOND = 100
"""Five times the usual, as a drill makes days of doubt in minutes."""
_AT_ONCE = 40
_SETTLE_SECONDS = 240.0
_RECOVERY_SECONDS = 30.0
_CALM_CHECKS = 4
_ASK_SECONDS = 10.0
_HTTP_SECONDS = 20.0
_ONE_IN_WITH_ADDRESS = 5
_BEHAVIOUR = {
    "prompt_seconds": 8.0,
    "same_amount_seconds": 0.0,
    "callback_seconds": 0.1,
    "sms_retry_seconds": 2.0,
}

Advance = Callable[[str, int, int], None]
"""Told the stage, how much of it is done, and how much there is."""


@dataclass
class Report:
    """What a drill did and found."""

    seed: int
    people: int
    moves: dict[str, int] = field(default_factory=dict)
    faults: dict[str, int] = field(default_factory=dict)
    faults_by_place: dict[str, dict[str, int]] = field(default_factory=dict)
    never_fired: dict[str, list[str]] = field(default_factory=dict)
    restarts: dict[str, int] = field(default_factory=dict)
    findings: Findings = field(default_factory=Findings)
    repeated_messages: int = 0
    reviews: dict[str, int] = field(default_factory=dict)
    payments: dict[str, int] = field(default_factory=dict)
    seconds: int = 0

    def as_json(self) -> dict[str, Any]:
        """Return all of it; amounts in cents."""
        found = self.findings
        return {
            "seed": self.seed,
            "people": self.people,
            "forms": plan.forms(self.seed),
            "moves": self.moves,
            "faults": self.faults,
            "faultsByPlace": self.faults_by_place,
            "neverFired": self.never_fired,
            "restarts": self.restarts,
            "lostCents": found.lost_cents,
            "doubledCents": found.doubled_cents,
            "withoutVerdict": found.without_verdict,
            "receiptsWrong": found.receipts_wrong,
            "repeatedMessages": self.repeated_messages,
            "reviews": self.reviews,
            "payments": self.payments,
            "details": found.details[:50],
            "seconds": self.seconds,
        }


class Drill:
    """A drill on a stack of its own; everything temporary, ports free ones."""

    def __init__(self, people: int, moves: int, seed: int, *, kill: bool, advance: Advance) -> None:
        self._report = Report(seed, people)
        self._moves_count = moves
        self._kill = kill
        self._advance = advance
        self._screens: list[tuple[Move, str]] = []
        self._lock = threading.Lock()

    def run(self) -> Report:
        """Run it all; raises ProcessError when the stack does not start."""
        started = time.monotonic()
        os.environ["MPESA_QUESTION_PACE"] = str(PACE)
        os.environ["MPESA_C2B_VALIDATED"] = "true"
        os.environ["MPESA_REQUESTS_PER_SECOND"] = str(_REQUESTS_PER_SECOND)
        with Stack() as stack:
            self._base = stack.addresses.standin
            self._stack = stack
            self._book = LedgerBook(stack.addresses.database_url)
            self._people = [
                Person(self._base, stack.addresses.ussd_code, stack.addresses.sms_code, phone)
                for phone in plan.people(self._report.people)
            ]
            self._prepare()
            self._move()
            self._settle()
            self._compare()
        self._report.seconds = round(time.monotonic() - started)
        return self._report

    def _prepare(self) -> None:
        """Register the paybill's addresses and the people, and give them some money."""
        self._cycle("paybill register")
        self._cycle("paybill enrol 0722000000")
        self._control("PUT", "/behaviour", _BEHAVIOUR | plan.forms(self._report.seed))
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            for done, _ in enumerate(pool.map(self._join, self._people), 1):
                self._advance("joining", done, len(self._people))
            list(pool.map(Person.confirm_address, self._people[::_ONE_IN_WITH_ADDRESS]))

    def _cycle(self, arguments: str) -> None:
        command = f"python -m ussd_app.cli {arguments}"
        self._stack.supervisor.run(
            Program("operator", ["sh", "-c", command], self._stack.environment, ROOT)
        )

    def _join(self, person: Person) -> None:
        person.set_balance("200000.00")
        person.register()
        opening = Move("paybill", person.msisdn, 2000, to="0" + person.msisdn[3:])
        self._note(opening, person.do(opening))

    def _move(self) -> None:
        rules = plan.fault_rules(self._report.seed, self._moves_count)
        self._control("PUT", "/faults", rules)
        phones = [person.msisdn for person in self._people]
        moves = plan.moves(self._report.seed, phones, self._moves_count)
        queues: dict[str, list[Move]] = {phone: [] for phone in phones}
        for move in moves:
            queues[move.person].append(move)
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            running = [
                pool.submit(self._live, person, queues[person.msisdn]) for person in self._people
            ]
            # Children die with the thread that started them: only this one may restart any.
            self._wait_and_kill(lambda: all(future.done() for future in running), len(moves))
            for future in running:
                future.result()
        self._report.moves = dict(Counter(move.kind for move, _ in self._screens))
        fired = self._control("GET", "/faults")["fired"]
        self._report.faults_by_place = fired
        self._report.faults = plan.count_by_kind(fired)
        self._report.never_fired = plan.never_fired(rules, fired)

    def _live(self, person: Person, moves: list[Move]) -> None:
        for move in moves:
            self._note(move, person.do(move))

    def _note(self, move: Move, screen: str) -> None:
        with self._lock:
            self._screens.append((move, screen))

    def _wait_and_kill(self, finished: Callable[[], bool], total: int) -> None:
        restarts: Counter[str] = Counter()
        schedule = iter(plan.kills(self._report.seed, 1000))
        kill = next(schedule)
        due = time.monotonic() + kill.after
        while not finished():
            self._advance("moving", len(self._screens) - len(self._people), total)
            time.sleep(0.2)
            if self._kill and time.monotonic() >= due:
                self._stack.supervisor.kill(kill.name)
                time.sleep(kill.dead_for)
                self._stack.supervisor.restart(kill.name)
                restarts[kill.name] += 1
                kill = next(schedule)
                due = time.monotonic() + kill.after
        self._advance("moving", total, total)
        self._report.restarts = dict(restarts)

    def _settle(self) -> None:
        """Stop all faults and wait until nothing is open, or until patience ends."""
        self._control("DELETE", "/faults")
        self._recover()
        calm, asked = 0, 0.0
        deadline = time.monotonic() + _SETTLE_SECONDS
        while calm < _CALM_CHECKS and time.monotonic() < deadline:
            try:
                opened = self._book.still_open()
            except psycopg.Error:
                opened = {"unreachable": 1}
            waiting = sum(count for name, count in opened.items() if name != "pauses")
            calm = 0 if waiting else calm + 1
            if waiting and time.monotonic() - asked > _ASK_SECONDS:
                # Questions that were lost while all went wrong would come again in an hour.
                self._cycle("payments ask")
                asked = time.monotonic()
            self._advance("settling", 0 if waiting else 1, waiting + 1)
            time.sleep(0.5)

    def _recover(self) -> None:
        """Do what a worker does every hour: ask for payments that nobody told us about.

        The last faults may keep M-Pesa's list unproven for some seconds: an operator asks again.
        """
        deadline = time.monotonic() + _RECOVERY_SECONDS
        while True:
            try:
                self._cycle("paybill recover")
                return
            except ProcessError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(2)

    def _compare(self) -> None:
        findings = self._report.findings
        opened = self._book.still_open()
        findings.without_verdict = opened["payments"] + opened["callbacks"]
        if opened["payments"] or opened["callbacks"]:
            findings.note(f"still open: {opened}")
            for payment in self._book.payments():
                if payment.state not in ("completed", "failed", "expired"):
                    findings.note(f"still open: {payment}")
        payments, movements = self._book.payments(), self._book.movements()
        ends = Counter(f"{payment.kind} {payment.state}" for payment in payments)
        self._report.payments = dict(sorted(ends.items()))
        compare_money(self._control("GET", "/books")["payments"], payments, findings)
        compare_transfers(self._screens, movements, findings)
        inboxes = {person.msisdn: person.inbox() for person in self._people}
        self._report.repeated_messages = compare_receipts(movements, inboxes, findings)
        totals = self._book.totals()
        for name in ("imbalance", "drift"):
            if totals[name]:
                findings.lost_cents += abs(totals[name])
                findings.note(f"the ledger's own {name} is {totals[name]} cents")
        if totals["held"]:
            findings.note(f"{totals['held']} cents are still held for withdrawals")
        self._report.reviews = self._book.reviews()
        self._keep_logs_of_failures()

    def _keep_logs_of_failures(self) -> None:
        """Copy the processes' logs beside the caller when something was found."""
        if self._report.findings.clean:
            return
        target = Path("var") / f"drill-{self._report.seed}"
        target.mkdir(parents=True, exist_ok=True)
        for log in self._stack.log_folder.glob("*.log"):
            (target / log.name).write_bytes(log.read_bytes())

    def _control(self, method: str, path: str, body: Any = None) -> Any:
        answer = requests.request(method, self._base + path, json=body, timeout=_HTTP_SECONDS)
        answer.raise_for_status()
        return answer.json()
