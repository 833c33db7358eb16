"""Plain tables in documents: a head on every page, zebra rows, figures on the right."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from jobs.statement.canvas import Align, Canvas, Face, plain
from jobs.statement.style import BODY_BOTTOM, BODY_WIDTH, BRAND, INK, MARGIN, PAPER, RIGHT, WHITE

_ROW = 15.0
_HEAD = 17.0
_PADDING = 6.0


@dataclass(frozen=True, slots=True)
class Column:
    """A column's head and its share of the width."""

    title: str
    share: float
    align: Align = Align.LEFT


def table(
    canvas: Canvas,
    y: float,
    columns: Sequence[Column],
    rows: Sequence[Sequence[str]],
    next_page: Callable[[], float],
    *,
    total: bool = False,
) -> float:
    """Draw a table from y down and return where it ends.

    ``next_page`` begins a page and returns its first free y. ``total`` sets the last row in
    bold under a line.
    """
    if y + _HEAD + _ROW > BODY_BOTTOM:
        y = next_page()
    y = _head(canvas, y, columns)
    for number, row in enumerate(rows):
        if y + _ROW > BODY_BOTTOM:
            y = _head(canvas, next_page(), columns)
        last = total and number == len(rows) - 1
        if last:
            canvas.line([(MARGIN, y), (RIGHT, y)], BRAND, 0.8)
        elif number % 2:
            canvas.box(MARGIN, y, BODY_WIDTH, _ROW, PAPER)
        _cells(canvas, y + 10.3, columns, row, Face.BOLD if last else Face.REGULAR)
        y += _ROW
    return y


def _head(canvas: Canvas, y: float, columns: Sequence[Column]) -> float:
    canvas.box(MARGIN, y, BODY_WIDTH, _HEAD, BRAND)
    x = MARGIN
    for column in columns:
        width = BODY_WIDTH * column.share
        _cell(canvas, x, y + 11.3, width, column, column.title, Face.BOLD, white=True)
        x += width
    return y + _HEAD


def _cells(
    canvas: Canvas, y: float, columns: Sequence[Column], row: Sequence[str], face: Face
) -> None:
    x = MARGIN
    for column, value in zip(columns, row, strict=True):
        width = BODY_WIDTH * column.share
        _cell(canvas, x, y, width, column, value, face)
        x += width


def _cell(
    canvas: Canvas,
    x: float,
    y: float,
    width: float,
    column: Column,
    value: str,
    face: Face,
    *,
    white: bool = False,
) -> None:
    text, size = canvas.fit(plain(value), width - 2 * _PADDING, 7.5, face, least=6.5)
    at = x + _PADDING if column.align is Align.LEFT else x + width - _PADDING
    canvas.text(at, y, text, size, WHITE if white else INK, face, column.align)
