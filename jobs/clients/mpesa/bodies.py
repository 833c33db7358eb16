"""Read what Daraja posts to us. Every reader returns a value or None; none of them raises.

Types drift on this wire (facts 0.10): codes come as numbers or text, one object stands for a
list, blocks and values are missing. Codes are kept as text, amounts as cents.
"""

import re
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from jobs.clients.mpesa.clock import parse_compact
from jobs.clients.mpesa.outcomes import clean_text, parse_json
from jobs.clients.mpesa.shillings import cents_of
from ledger.core.msisdn import parse_msisdn

_RECEIPT = re.compile(r"[A-Z0-9]{6,20}", re.ASCII)
_DUMMY_RECEIPT = re.compile(r"[A-Z0-9]{1,5}0{7}", re.ASCII)
_IDENTIFIER_LENGTH_MAX = 100
_PARAMETER_LENGTH_MAX = 2000


@dataclass(frozen=True, slots=True)
class PromptCallback:
    """An stkCallback (Daraja 1.5). ``has_metadata`` tells whether the success block was there."""

    code: str
    text: str
    merchant_request_id: str | None
    checkout_request_id: str | None
    has_metadata: bool
    amount: int | None
    receipt: str | None
    payer: str | None
    paid_at: datetime | None


@dataclass(frozen=True, slots=True)
class ResultBody:
    """A Result envelope (Daraja 1.8 to 1.11). Parameters keep order and repeats."""

    result_type: str
    code: str
    text: str
    conversation_id: str | None
    originator_conversation_id: str | None
    transaction_id: str | None
    parameters: tuple[tuple[str, object], ...] = field(default=())

    def parameter(self, *names: str) -> object | None:
        """Return the first parameter with one of some names; spaces and case don't count."""
        wanted = {_plain(name) for name in names}
        for key, value in self.parameters:
            if _plain(key) in wanted and value is not None:
                return value
        return None

    def parameter_text(self, *names: str) -> str | None:
        """Return a parameter as text, or None when it is missing or empty."""
        return _text(self.parameter(*names), _PARAMETER_LENGTH_MAX)

    def receipt(self, *names: str) -> str | None:
        """Return a parameter if it looks like a receipt and not like a dummy."""
        return _receipt(self.parameter(*names))

    @property
    def outer_receipt(self) -> str | None:
        """Return the envelope's TransactionID unless it is a dummy such as ``SKE0000000``."""
        return _receipt(self.transaction_id)


@dataclass(frozen=True, slots=True)
class PaybillNotice:
    """A C2B validation or confirmation (Daraja 1.12).

    ``msisdn_text`` is plain, masked or a SHA-256 in hexadecimal.
    """

    kind: str
    receipt: str | None
    amount: int | None
    shortcode: str
    account_number: str
    msisdn_text: str
    payer_name: str
    paid_at: datetime | None


def read_prompt_callback(raw: bytes) -> PromptCallback | None:
    """Return the callback of an STK push, or None when the body is none."""
    body = _member(parse_json(raw), "Body")
    callback = _member(body, "stkCallback")
    if callback is None:
        return None
    code = _code(callback.get("ResultCode"))
    if code is None:
        return None
    items = dict(reversed(_pairs(callback.get("CallbackMetadata"), "Item")))
    return PromptCallback(
        code=code,
        text=_text(callback.get("ResultDesc"), 200) or "",
        merchant_request_id=_text(callback.get("MerchantRequestID")),
        checkout_request_id=_text(callback.get("CheckoutRequestID")),
        has_metadata=bool(items),
        amount=cents_of(items.get("Amount")),
        receipt=_receipt(items.get("MpesaReceiptNumber")),
        payer=_msisdn(items.get("PhoneNumber")),
        paid_at=_time(items.get("TransactionDate")),
    )


def read_result(raw: bytes) -> ResultBody | None:
    """Return a Result envelope, or None when the body is none."""
    result = _member(parse_json(raw), "Result")
    if result is None:
        return None
    code = _code(result.get("ResultCode"))
    if code is None:
        return None
    return ResultBody(
        result_type=_code(result.get("ResultType")) or "0",
        code=code,
        text=_text(result.get("ResultDesc"), 200) or "",
        conversation_id=_text(result.get("ConversationID")),
        originator_conversation_id=_text(result.get("OriginatorConversationID")),
        transaction_id=_text(result.get("TransactionID")),
        parameters=tuple(_pairs(result.get("ResultParameters"), "ResultParameter")),
    )


def read_echoed_request(raw: bytes) -> str | None:
    """Return the originator id in an echoed request, as a queue timeout may bring (1.8)."""
    parsed = parse_json(raw)
    if not isinstance(parsed, dict) or "CommandID" not in parsed:
        return None
    return _text(parsed.get("OriginatorConversationID")) or ""


def read_paybill_notice(raw: bytes) -> PaybillNotice | None:
    """Return a paybill validation or confirmation, or None when the body is none."""
    parsed = parse_json(raw)
    if not isinstance(parsed, dict) or "TransAmount" not in parsed:
        return None
    names = (_text(parsed.get(name), 40) for name in ("FirstName", "MiddleName", "LastName"))
    return PaybillNotice(
        kind=_text(parsed.get("TransactionType"), 60) or "",
        receipt=_receipt(parsed.get("TransID")),
        amount=cents_of(parsed.get("TransAmount")),
        shortcode=_text(parsed.get("BusinessShortCode"), 20) or "",
        account_number=_text(parsed.get("BillRefNumber"), 40) or "",
        msisdn_text=_text(parsed.get("MSISDN"), 80) or "",
        payer_name=" ".join(name for name in names if name),
        paid_at=_time(parsed.get("TransTime")),
    )


def _member(parent: object, name: str) -> dict[str, object] | None:
    value = parent.get(name) if isinstance(parent, dict) else None
    return value if isinstance(value, dict) else None


def _pairs(block: object, name: str) -> list[tuple[str, object]]:
    """Read named values from a list of objects, or from the one object that stands for it."""
    inner = block.get(name) if isinstance(block, dict) else None
    items = inner if isinstance(inner, list) else [inner]
    pairs = []
    for item in items:
        if isinstance(item, dict):
            key = item.get("Name", item.get("Key"))
            if isinstance(key, str):
                pairs.append((key, item.get("Value")))
    return pairs


def _plain(name: str) -> str:
    return name.replace(" ", "").lower()


def _code(value: object) -> str | None:
    """Return a result code as text: ``0``, ``"0"`` and ``0.0`` are the same."""
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        return None
    if isinstance(value, Decimal):
        whole = abs(value.adjusted()) < 12 and value == value.to_integral_value()
        value = int(value) if whole else str(value)
    return clean_text(str(value), 40) or None


def _text(value: object, length_max: int = _IDENTIFIER_LENGTH_MAX) -> str | None:
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        return None
    return clean_text(str(value), length_max) or None


def _receipt(value: object) -> str | None:
    text = _text(value)
    if text is None or not _RECEIPT.fullmatch(text) or _DUMMY_RECEIPT.fullmatch(text):
        return None
    return text


def _msisdn(value: object) -> str | None:
    text = _text(value)
    return None if text is None else parse_msisdn(text)


def _time(value: object) -> datetime | None:
    text = _text(value)
    return None if text is None else parse_compact(text)
