"""Safaricom's charges to the organisation, in cents. They vary by contract: only a sample."""

from bisect import bisect_left

_PAYBILL_UP_TO = [
    (100, 0),
    (500, 5),
    (1_000, 10),
    (1_500, 15),
    (2_500, 20),
    (3_500, 25),
    (5_000, 34),
    (7_500, 42),
    (10_000, 48),
    (15_000, 57),
    (20_000, 62),
    (25_000, 67),
    (30_000, 72),
    (35_000, 83),
    (40_000, 99),
    (45_000, 103),
    (250_000, 108),
]
_PAYOUT_UP_TO = [(100, 0), (1_500, 5), (5_000, 9), (250_000, 11)]


def paybill(amount: int) -> int:
    """Return the charge for receiving this amount, under the tariff that business bears."""
    return _band(_PAYBILL_UP_TO, amount)


def payout(amount: int) -> int:
    """Return the charge for paying this amount to a customer."""
    return _band(_PAYOUT_UP_TO, amount)


def _band(bands: list[tuple[int, int]], amount: int) -> int:
    tops = [top * 100 for top, _ in bands]
    return bands[min(bisect_left(tops, amount), len(bands) - 1)][1] * 100
