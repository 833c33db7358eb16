"""Tables of refusals: each reason alone, each pair that can hold at once, and their order."""

from collections.abc import Iterable
from itertools import combinations

from ledger.core.refusals import Refusal, RefusalCode


def cases(reasons: tuple[str, ...], *apart: Iterable[str]) -> list[tuple[str, ...]]:
    """Each reason alone and each pair; of those in one set of ``apart`` only one can hold."""
    pairs = [
        pair for pair in combinations(reasons, 2) if not any(set(pair) <= set(one) for one in apart)
    ]
    return [*((reason,) for reason in reasons), *pairs]


def code_of(answer: object) -> str:
    """Return the code of a refusal, which the answer must be."""
    assert isinstance(answer, Refusal), answer
    return answer.code.value


def are_in_order(reasons: tuple[str, ...]) -> bool:
    """Tell whether reasons stand in the order of precedence."""
    codes = [code.value for code in RefusalCode]
    return sorted(reasons, key=codes.index) == list(reasons)
