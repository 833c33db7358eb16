"""How long a text is on the air: GSM 03.38 septets, or UCS-2 once a single character needs it."""

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED = frozenset("\f^{}\\[~]|€")


def septets(text: str) -> int | None:
    """Return the septets of a text, or None when GSM-7 can't carry it."""
    total = 0
    for character in text:
        if character in _BASIC:
            total += 1
        elif character in _EXTENDED:
            total += 2
        else:
            return None
    return total


def sms_parts(text: str) -> int:
    """Return how many messages an SMS of this text is billed as; an empty one is one."""
    length = septets(text)
    if length is not None:
        return 1 if length <= 160 else -(-length // 153)
    units = len(text.encode("utf-16-be")) // 2
    return 1 if units <= 70 else -(-units // 67)


def shown_on_ussd(text: str, limit: int) -> str:
    """Return what a handset shows: cut at the network's limit, ``?`` for what it can't draw."""
    shown, used = [], 0
    for character in text:
        size = septets(character)
        used += 1 if size is None else size
        if used > limit:
            break
        shown.append("?" if size is None else character)
    return "".join(shown)
