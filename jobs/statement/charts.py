"""Small charts: a balance over time, pairs of bars by period, and bars by name."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from jobs.statement.canvas import Align, Canvas, Colour, Face
from jobs.statement.style import ACCENT, BRAND, BRAND_LIGHT, INK, MUTED, RULE
from jobs.statement.words import show_month, show_short_date
from ledger.core.money import CENTS_PER_SHILLING
from ledger.core.statements import DaySum, Period, Summary

_STEP_TENTHS = (10, 20, 25, 50, 100)
_UNITS = tuple(
    (CENTS_PER_SHILLING * 10**digits, suffix)
    for digits, suffix in ((12, "T"), (9, "B"), (6, "M"), (3, "K"))
)
_EMPTY_AXIS = 1_000 * CENTS_PER_SHILLING
_AXIS_WIDTH = 30.0
_LABEL_SIZE = 6.5


@dataclass(frozen=True, slots=True)
class Frame:
    """Where a chart goes, its labels included."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Bucket:
    """What moved in one stretch of days, in cents."""

    first_day: date
    money_in: int
    money_out: int


def short_amount(cents: int) -> str:
    """Show an amount on an axis: ``0``, ``750``, ``2.5K``, ``10M``; at most two decimals."""
    unit, suffix = next(
        (found for found in _UNITS if abs(cents) >= found[0]), (CENTS_PER_SHILLING, "")
    )
    whole, rest = divmod((abs(cents) * 100 + unit // 2) // unit, 100)
    shown = f"{whole}.{rest:02d}".rstrip("0").rstrip(".")
    return f"-{shown}{suffix}" if cents < 0 else f"{shown}{suffix}"


def scale(low: int, high: int, most_steps: int = 4) -> list[int]:
    """Return evenly spaced round cents from at or below ``low`` to at or above ``high``."""
    spread = max(high - low, 4 * CENTS_PER_SHILLING)
    magnitude = 10 ** (len(str(spread // most_steps)) - 1)
    step = next(
        tenths * magnitude // 10
        for tenths in _STEP_TENTHS
        if tenths * magnitude * most_steps >= spread * 10
    )
    values = [low // step * step]
    while values[-1] < high:
        values.append(values[-1] + step)
    return values if len(values) > 1 else [values[0], values[0] + step]


def bucket_kind(period: Period) -> str:
    """Return what one bar stands for: day, week, month or year, so that bars stay readable."""
    if period.days <= 14:
        return "day"
    if period.days <= 190:
        return "week"
    return "month" if period.days <= 1100 else "year"


def buckets(period: Period, days: Sequence[DaySum]) -> list[Bucket]:
    """Sum days into bars; stretches in which nothing moved are there with zeros."""
    kind = bucket_kind(period)
    sums: dict[date, list[int]] = {}
    day = period.first_day
    while day <= period.last_day:
        sums.setdefault(_bucket_start(day, kind), [0, 0])
        day += timedelta(days=1)
    for entry in days:
        found = sums[_bucket_start(entry.day, kind)]
        found[0] += entry.money_in
        found[1] += entry.money_out
    return [
        Bucket(max(first, period.first_day), moved[0], moved[1]) for first, moved in sums.items()
    ]


def _bucket_start(day: date, kind: str) -> date:
    if kind == "week":
        return day - timedelta(days=day.weekday())
    if kind == "month":
        return day.replace(day=1)
    return day.replace(month=1, day=1) if kind == "year" else day


def balance_chart(canvas: Canvas, frame: Frame, summary: Summary, title: str) -> None:
    """Draw the balance at the end of each day as a stair, over the whole period."""
    balances = [(0, summary.opening)]
    balance = summary.opening
    for day in summary.days:
        balance += day.money_in - day.money_out
        balances.append(((day.day - summary.period.first_day).days, balance))
    values = [amount for _, amount in balances]
    ticks = scale(min(0, *values), max(0, *values))
    plot = _plot(canvas, frame, ticks, title)
    span = max(summary.period.days, 1)
    stairs: list[tuple[float, float]] = []
    for offset, amount in balances:
        x = plot.x + plot.width * offset / span
        if stairs:
            stairs.append((x, stairs[-1][1]))
        stairs.append((x, _level(plot, ticks, amount)))
    stairs.append((plot.x + plot.width, stairs[-1][1]))
    ground = _level(plot, ticks, 0)
    canvas.area([(plot.x, ground), *stairs, (plot.x + plot.width, ground)], BRAND_LIGHT)
    canvas.line(stairs, BRAND, 1.2)
    canvas.circle(*stairs[-1], 2.2, BRAND)
    language = summary.language
    first, last = summary.period.first_day, summary.period.last_day
    middle = first + timedelta(days=span // 2)
    show = show_short_date if span <= 370 else show_month
    y = plot.y + plot.height + 9
    canvas.text(plot.x, y, show(first, language), _LABEL_SIZE, MUTED)
    if span > 2:
        x = plot.x + plot.width * (span // 2) / span
        canvas.text(x, y, show(middle, language), _LABEL_SIZE, MUTED, align=Align.CENTRE)
    if span > 1:
        x = plot.x + plot.width
        canvas.text(x, y, show(last, language), _LABEL_SIZE, MUTED, align=Align.RIGHT)


def flow_chart(
    canvas: Canvas, frame: Frame, summary: Summary, title: str, legend: tuple[str, str]
) -> None:
    """Draw what came in and what went out in each stretch as a pair of bars."""
    found = buckets(summary.period, summary.days)
    most = max((max(bucket.money_in, bucket.money_out) for bucket in found), default=0)
    ticks = scale(0, most or _EMPTY_AXIS)
    plot = _plot(canvas, frame, ticks, title)
    _legend(canvas, frame, legend)
    pitch = plot.width / len(found)
    bar = min(pitch * 0.34, 12.0)
    ground = plot.y + plot.height
    for number, bucket in enumerate(found):
        centre = plot.x + pitch * (number + 0.5)
        for cents, left, colour in (
            (bucket.money_in, centre - bar - 0.4, BRAND),
            (bucket.money_out, centre + 0.4, ACCENT),
        ):
            if cents:
                top = min(_level(plot, ticks, cents), ground - 0.5)
                canvas.box(left, top, bar, ground - top, colour)
    show = show_month if bucket_kind(summary.period) in ("month", "year") else show_short_date
    every = -(-len(found) // 7)
    for number in range(0, len(found), every):
        text = show(found[number].first_day, summary.language)
        x = plot.x + pitch * (number + 0.5)
        canvas.text(x, ground + 9, text, _LABEL_SIZE, MUTED, align=Align.CENTRE)


def bar_list(
    canvas: Canvas, frame: Frame, rows: Sequence[tuple[str, int, str]], colour: Colour = BRAND
) -> None:
    """Draw one bar a row, (name, size, what to write at its end), over the frame's height."""
    if not rows:
        return
    pitch = min(frame.height / len(rows), 20.0)
    name_width = frame.width * 0.30
    room = frame.width * 0.38
    most = max(size for _, size, _ in rows) or 1
    for number, (name, size, label) in enumerate(rows):
        y = frame.y + pitch * number
        text, text_size = canvas.fit(name, name_width - 8, 8)
        canvas.text(frame.x, y + pitch * 0.66, text, text_size, INK)
        length = max(room * size / most, 0.8)
        canvas.box(frame.x + name_width, y + pitch * 0.22, length, pitch * 0.56, colour)
        canvas.text(frame.x + name_width + length + 5, y + pitch * 0.66, label, 7.5, MUTED)


def _plot(canvas: Canvas, frame: Frame, ticks: list[int], title: str) -> Frame:
    """Draw title and grid; return the frame that is left for data."""
    canvas.text(frame.x, frame.y + 8, title, 8, INK, Face.BOLD)
    plot = Frame(frame.x + _AXIS_WIDTH, frame.y + 20, frame.width - _AXIS_WIDTH, frame.height - 32)
    for value in ticks:
        y = _level(plot, ticks, value)
        canvas.line([(plot.x, y), (plot.x + plot.width, y)], RULE, 0.4)
        x = plot.x - 5
        canvas.text(x, y + 2.2, short_amount(value), _LABEL_SIZE, MUTED, align=Align.RIGHT)
    return plot


def _legend(canvas: Canvas, frame: Frame, names: tuple[str, str]) -> None:
    x = frame.x + frame.width
    for name, colour in reversed(list(zip(names, (BRAND, ACCENT), strict=True))):
        x -= canvas.width(name, _LABEL_SIZE)
        canvas.text(x, frame.y + 8, name, _LABEL_SIZE, MUTED)
        canvas.box(x - 8, frame.y + 3, 5, 5, colour)
        x -= 16


def _level(plot: Frame, ticks: list[int], cents: int) -> float:
    return plot.y + plot.height * (ticks[-1] - cents) / (ticks[-1] - ticks[0])


def day_bars(canvas: Canvas, frame: Frame, title: str, days: Sequence[tuple[date, int]]) -> None:
    """Draw one upright bar a day, (day, cents), with round amounts beside them."""
    ticks = scale(0, max(cents for _, cents in days) or _EMPTY_AXIS)
    plot = _plot(canvas, frame, ticks, title)
    pitch = plot.width / len(days)
    ground = plot.y + plot.height
    for number, (day, cents) in enumerate(days):
        x = plot.x + pitch * number
        if cents:
            top = min(_level(plot, ticks, cents), ground - 0.5)
            canvas.box(x + pitch * 0.15, top, pitch * 0.7, ground - top, BRAND)
        if number % 5 == 0:
            text = show_short_date(day, "en")
            x += pitch / 2
            canvas.text(x, ground + 9, text, _LABEL_SIZE, MUTED, align=Align.CENTRE)
