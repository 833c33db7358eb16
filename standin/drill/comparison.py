"""Compare three books: M-Pesa's, the ledger, and what the phones were told by SMS."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from standin.drill.ledger_book import LedgerPayment, Movement
from standin.drill.plan import Move
from standin.money import to_cents

_RECEIPT = re.compile(r"\b[2-9A-HJKMNP-Z]{10}\b")
_FIRST_WORD = re.compile(r"^([2-9A-HJKMNP-Z]{10}) ")
_MONEY = re.compile(r"Ksh([0-9,]+\.[0-9]{2})")
TOLD_KINDS = frozenset(
    {"deposit", "transfer", "withdrawal_hold", "withdrawal_settlement", "withdrawal_void"}
)
"""Kinds of transactions about which the owner of a wallet gets an SMS."""


@dataclass
class Findings:
    """The four numbers that must be 0, and what stands behind each."""

    lost_cents: int = 0
    doubled_cents: int = 0
    without_verdict: int = 0
    receipts_wrong: int = 0
    details: list[str] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        """Tell whether all four numbers are 0."""
        return not (
            self.lost_cents or self.doubled_cents or self.without_verdict or self.receipts_wrong
        )

    def note(self, text: str) -> None:
        """Keep a sentence about one difference."""
        self.details.append(text)


def compare_money(
    mpesa: Iterable[Mapping[str, Any]], ledger: list[LedgerPayment], findings: Findings
) -> None:
    """Hold each M-Pesa payment against the CASH that the ledger booked for it, and back."""
    by_checkout = {p.checkout_request_id: p for p in ledger if p.checkout_request_id}
    by_reference = {p.account_reference: p for p in ledger if p.kind == "deposit"}
    by_originator = {p.originator_conversation_id: p for p in ledger}
    by_receipt = {p.mpesa_receipt: p for p in ledger if p.mpesa_receipt}
    paid: Counter[int] = Counter()
    for payment in mpesa:
        if payment["state"] != "completed":
            continue
        amount = to_cents(payment["amount"]) or 0
        kind = payment["kind"]
        if kind == "stk":
            found = by_checkout.get(payment["checkout_request_id"]) or by_reference.get(
                payment["reference"]
            )
        elif kind == "b2c":
            found = by_originator.get(payment["originator_conversation_id"])
        else:
            found = by_receipt.get(payment["receipt"])
        signed = amount if kind in ("stk", "paybill") else -amount
        if found is None:
            _book_difference(signed, f"{kind} {payment['receipt']} is in no ledger row", findings)
        else:
            paid[found.id] += signed
    for booked in ledger:
        difference = paid[booked.id] - booked.cash
        if difference:
            what = f"payment {booked.id} ({booked.kind}, {booked.state}): M-Pesa moved"
            _book_difference(
                difference, f"{what} {paid[booked.id]}, ledger {booked.cash} cents", findings
            )


def _book_difference(difference: int, text: str, findings: Findings) -> None:
    """More in M-Pesa than booked is a customer's loss; less is money made from nothing."""
    if difference > 0:
        findings.lost_cents += difference
    else:
        findings.doubled_cents -= difference
    findings.note(text)


def compare_transfers(
    attempted: Iterable[tuple[Move, str]], movements: list[Movement], findings: Findings
) -> None:
    """No transfer without an attempt, and none missing that a screen called done."""
    tries: Counter[tuple[str, int]] = Counter()
    told: set[str] = set()
    for move, screen in attempted:
        if move.kind == "send":
            tries["+" + move.person, move.amount * 100] += 1
            told |= set(_RECEIPT.findall(screen)) if "Confirmed." in screen else set()
    made: Counter[tuple[str, int]] = Counter()
    for movement in movements:
        if movement.kind == "transfer" and movement.direction == "D":
            made[movement.msisdn, movement.amount - movement.fee] += 1
    for (msisdn, amount), count in made.items():
        if count > tries[msisdn, amount]:
            findings.doubled_cents += amount * (count - tries[msisdn, amount])
            findings.note(f"{count} transfers of {amount} cents, {tries[msisdn, amount]} tried")
    known = {movement.receipt for movement in movements}
    for receipt in told - known:
        findings.receipts_wrong += 1
        findings.note(f"a screen named {receipt}, which the ledger does not know")


def compare_receipts(
    movements: list[Movement], inboxes: Mapping[str, list[str]], findings: Findings
) -> int:
    """Each movement told once with its own figures; returns how many SMS came more than once."""
    texts: dict[tuple[str, str], set[str]] = defaultdict(set)
    copies = 0
    for phone, inbox in inboxes.items():
        for text in inbox:
            first = _FIRST_WORD.match(text)
            if first:
                copies += text in texts[phone, first[1]]
                texts[phone, first[1]].add(text)
    for movement in movements:
        phone = movement.msisdn.removeprefix("+")
        if movement.kind not in TOLD_KINDS or phone not in inboxes:
            continue
        found = texts.pop((phone, movement.receipt), set())
        if len(found) != 1:
            findings.receipts_wrong += 1
            findings.note(f"{movement.kind} {movement.receipt} was told {len(found)} ways")
        elif not _fits(movement, next(iter(found))):
            findings.receipts_wrong += 1
            findings.note(f"{movement.kind} {movement.receipt} was told wrongly: {found}")
    return copies


def _fits(movement: Movement, text: str) -> bool:
    amounts = {to_cents(found.replace(",", "")) for found in _MONEY.findall(text)}
    net = movement.amount if movement.direction == "C" else movement.amount - movement.fee
    if movement.kind == "withdrawal_void":
        net = movement.amount - movement.fee
    return {net, movement.balance_after} - {None} <= amounts
