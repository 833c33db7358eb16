"""The words of documents, English and Kiswahili side by side."""

from dataclasses import dataclass
from datetime import date

from ledger.core.chart import Kind
from ledger.core.statements import Line

_MONTHS = {
    "en": ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
    "sw": ("Jan", "Feb", "Mac", "Apr", "Mei", "Jun", "Jul", "Ago", "Sep", "Okt", "Nov", "Des"),
}


@dataclass(frozen=True, slots=True)
class Words:
    """Every fixed text of a statement in one language."""

    statement: str
    account_holder: str
    wallet_number: str
    account: str
    phone: str
    period: str
    issued: str
    reference: str
    opening: str
    money_in: str
    money_out: str
    fees: str
    closing: str
    count_one: str
    count_many: str
    balance_chart: str
    flow_charts: dict[str, str]
    flow_legend: tuple[str, str]
    date: str
    details: str
    balance: str
    fee: str
    fee_returned: str
    nothing: str
    on_hold: str
    on_hold_why: str
    end: str
    page: str
    verify: str
    fingerprint: str
    how_to_verify: str


_EN = Words(
    statement="Statement of account",
    account_holder="Account holder",
    wallet_number="Wallet number",
    account="Account",
    phone="Phone",
    period="Period",
    issued="Issued",
    reference="Reference",
    opening="Opening balance",
    money_in="Money in",
    money_out="Money out",
    fees="of which fees",
    closing="Closing balance",
    count_one="1 entry",
    count_many="{count:,} entries",
    balance_chart="Balance over time",
    flow_charts={
        "day": "In and out by day",
        "week": "In and out by week",
        "month": "In and out by month",
        "year": "In and out by year",
    },
    flow_legend=("In", "Out"),
    date="Date",
    details="Details",
    balance="Balance",
    fee="Fee {amount}",
    fee_returned="Fee returned {amount}",
    nothing="No money moved in this period.",
    on_hold="On hold at the end of the period",
    on_hold_why="Waiting for M-Pesa, no longer in the closing balance. To be paid or returned.",
    end="End of statement",
    page="Page {page:,} of {pages:,}",
    verify="Verify: {url}",
    fingerprint="Fingerprint of the entries",
    how_to_verify="To check that this file is genuine, open {url} and choose the file there.",
)

_SW = Words(
    statement="Taarifa ya akaunti",
    account_holder="Mwenye akaunti",
    wallet_number="Nambari ya akaunti",
    account="Akaunti",
    phone="Simu",
    period="Kipindi",
    issued="Imetolewa",
    reference="Kumbukumbu",
    opening="Salio la mwanzo",
    money_in="Pesa zilizoingia",
    money_out="Pesa zilizotoka",
    fees="zikiwemo ada",
    closing="Salio la mwisho",
    count_one="Muamala 1",
    count_many="Miamala {count:,}",
    balance_chart="Salio kwa muda",
    flow_charts={
        "day": "Kuingia na kutoka kwa siku",
        "week": "Kuingia na kutoka kwa wiki",
        "month": "Kuingia na kutoka kwa mwezi",
        "year": "Kuingia na kutoka kwa mwaka",
    },
    flow_legend=("Kuingia", "Kutoka"),
    date="Tarehe",
    details="Maelezo",
    balance="Salio",
    fee="Ada {amount}",
    fee_returned="Ada imerudishwa {amount}",
    nothing="Hakuna pesa zilizoingia au kutoka katika kipindi hiki.",
    on_hold="Zinazosubiri mwishoni mwa kipindi",
    on_hold_why="Zinasubiri M-Pesa; hazimo tena kwenye salio la mwisho. Zitalipwa au kurudishwa.",
    end="Mwisho wa taarifa",
    page="Ukurasa {page:,} wa {pages:,}",
    verify="Hakiki: {url}",
    fingerprint="Alama ya miamala",
    how_to_verify="Kuhakiki kwamba faili hii ni halisi, fungua {url} kisha uchague faili hii.",
)

WORDS = {"en": _EN, "sw": _SW}

# (money in, money out) for each kind; None where a wallet never sees that side.
_KINDS: dict[str, dict[str, tuple[str, str]]] = {
    "en": {
        Kind.DEPOSIT: ("Deposit from M-Pesa", "Deposit corrected"),
        Kind.WITHDRAWAL_HOLD: ("Withdrawal held", "Withdrawal to M-Pesa"),
        Kind.WITHDRAWAL_SETTLEMENT: ("Withdrawal fee earned", "Withdrawal paid by M-Pesa"),
        Kind.WITHDRAWAL_VOID: ("Withdrawal returned", "Withdrawal returned"),
        Kind.TRANSFER: ("Received from {name}", "Sent to {name}"),
        Kind.SUSPENSE: ("Payment not yet attributed", "Payment attributed"),
        Kind.SUSPENSE_ALLOCATION: ("Payment credited", "Payment attributed"),
        Kind.DEPOSIT_REVERSAL_HOLD: ("Reversal held", "Deposit held for reversal"),
        Kind.DEPOSIT_REVERSAL_SETTLEMENT: ("Deposit reversed", "Deposit reversed by M-Pesa"),
        Kind.DEPOSIT_REVERSAL_VOID: ("Reversal declined, money returned", "Reversal declined"),
        Kind.REVERSAL: ("Correction", "Correction"),
    },
    "sw": {
        Kind.DEPOSIT: ("Umeweka kutoka M-Pesa", "Marekebisho ya pesa ulizoweka"),
        Kind.WITHDRAWAL_HOLD: ("Pesa zinazotolewa", "Umetoa kwenda M-Pesa"),
        Kind.WITHDRAWAL_SETTLEMENT: ("Ada ya kutoa pesa", "Pesa zimelipwa na M-Pesa"),
        Kind.WITHDRAWAL_VOID: ("Pesa za kutoa zimerudishwa", "Pesa za kutoa zimerudishwa"),
        Kind.TRANSFER: ("Umepokea kutoka kwa {name}", "Umetuma kwa {name}"),
        Kind.SUSPENSE: ("Malipo bila mwenyewe bado", "Malipo yamepata mwenyewe"),
        Kind.SUSPENSE_ALLOCATION: ("Malipo yamewekwa", "Malipo yamepata mwenyewe"),
        Kind.DEPOSIT_REVERSAL_HOLD: ("Zinasubiri kurudishwa", "Pesa zinasubiri kurudishwa"),
        Kind.DEPOSIT_REVERSAL_SETTLEMENT: ("Zimerudishwa", "Pesa zimerudishwa na M-Pesa"),
        Kind.DEPOSIT_REVERSAL_VOID: ("Ombi limekataliwa, pesa zimerudi", "Ombi limekataliwa"),
        Kind.REVERSAL: ("Marekebisho", "Marekebisho"),
    },
}
_NOBODY = {"en": "a customer", "sw": "mteja"}


def known_kinds(language: str) -> frozenset[str]:
    """Return the kinds that have words, so that a test finds one that was forgotten."""
    return frozenset(_KINDS[language])


def phrases(language: str) -> dict[str, str]:
    """Return the phrase of each kind and side, as ``deposit in``, and of ``nobody``."""
    sides = {f"{kind} in": phrase for kind, (phrase, _) in _KINDS[language].items()}
    sides |= {f"{kind} out": phrase for kind, (_, phrase) in _KINDS[language].items()}
    return {**sides, "nobody": _NOBODY[language]}


def describe(line: Line, language: str) -> str:
    """Say in one phrase what a line was: ``Sent to Jane Wanjiku``."""
    phrases = _KINDS[language].get(line.kind)
    if phrases is None:
        return line.kind.replace("_", " ").capitalize()
    phrase = phrases[0 if line.money_in else 1]
    return phrase.format(name=line.name or _NOBODY[language]) if "{" in phrase else phrase


def show_date(day: date, language: str) -> str:
    """Show a day as documents do: ``3 Nov 2026``."""
    return f"{day.day} {_MONTHS[language][day.month - 1]} {day.year}"


def show_short_date(day: date, language: str) -> str:
    """Show a day on an axis: ``3 Nov``."""
    return f"{day.day} {_MONTHS[language][day.month - 1]}"


def show_month(day: date, language: str) -> str:
    """Show a month on an axis: ``Nov 26``."""
    return f"{_MONTHS[language][day.month - 1]} {day.year % 100:02d}"


def show_count(count: int, words: Words) -> str:
    """Show a number of lines: ``1 entry``, ``40 entries``."""
    return words.count_one if count == 1 else words.count_many.format(count=count)
