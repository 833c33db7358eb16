"""A page to draw on, over fpdf2: points from the top left, two faces, plain shapes.

fpdf2 keeps the document, its fonts, metadata and PDF/A rules. Text and shapes go into the page
as operators here, because its cells and tables cost ten times more for each string, and a
finished page goes into a spool at once.
"""

import unicodedata
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, IntEnum
from importlib.resources import files
from typing import NamedTuple

from fpdf.fonts import TTFFont

from jobs.statement.output import Document, PageSpool
from jobs.statement.sink import Sink

PAGE_WIDTH = 595.28
PAGE_HEIGHT = 841.89
_FAMILY = "NotoSans"
_ELLIPSIS = "…"
_UNKNOWN = ord("?")
_KAPPA = 0.5523  # a Bezier handle of this length draws a quarter of a circle


class Face(IntEnum):
    """The two cuts of the one typeface."""

    REGULAR = 0
    BOLD = 1


class Align(Enum):
    """Which end of a text its position names."""

    LEFT = 0.0
    CENTRE = 0.5
    RIGHT = 1.0


class Colour(NamedTuple):
    """A colour as the operator that fills with it and the one that strokes."""

    fill: bytes
    stroke: bytes

    @classmethod
    def of(cls, code: str) -> "Colour":
        """Return the colour of six hexadecimal digits."""
        parts = [int(code[at : at + 2], 16) / 255 for at in (0, 2, 4)]
        numbers = " ".join(f"{part:.3f}" for part in parts)
        return cls(f"{numbers} rg\n".encode(), f"{numbers} RG\n".encode())


@dataclass(frozen=True, slots=True)
class Metadata:
    """What a file says of itself. ``language`` is ``en`` or ``sw``."""

    title: str
    subject: str
    author: str
    keywords: str
    language: str
    created_at: datetime


class _Codes(dict[int, str]):
    """Characters' glyph codes, two bytes each as Latin-1, learnt at the first use."""

    def __init__(self, font: TTFFont) -> None:
        self._font = font

    def __missing__(self, char: int) -> str:
        code = self._font.subset.pick(_known(self._font, char))
        assert code is not None
        raw = code.to_bytes(2, "big").decode("latin-1")
        for special in "\\()":
            raw = raw.replace(special, "\\" + special)
        self[char] = raw.replace("\r", "\\r")
        return self[char]


class _Widths(dict[str, float]):
    """Characters' widths at size 1, learnt at the first use."""

    def __init__(self, font: TTFFont) -> None:
        self._font = font

    def __missing__(self, char: str) -> float:
        self[char] = self._font.cw[_known(self._font, ord(char))] / 1000
        return self[char]


def _known(font: TTFFont, char: int) -> int:
    return char if char in font.cmap else _UNKNOWN


class _Page:
    """The operators of the page being drawn, and what the last of them left set."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []
        self.pen: Pen | None = None
        self.in_text = False

    def put_shape(self, operators: bytes) -> None:
        if self.in_text:
            self.parts.append(b"ET\n")
            self.in_text = False
        self.pen = None
        self.parts.append(operators)

    def take(self) -> bytes:
        self.put_shape(b"")
        content = b"".join(self.parts)
        self.parts.clear()
        return content


class Pen:
    """Writes in one face, size and colour. Baselines are at y."""

    __slots__ = ("_codes", "_operators", "_page", "_widths", "size")

    def __init__(
        self,
        page: _Page,
        font: TTFFont,
        codes: _Codes,
        widths: _Widths,
        size: float,
        colour: Colour,
    ) -> None:
        self._page = page
        self._codes = codes
        self._widths = widths.__getitem__
        self._operators = colour.fill + b"/F%d %.2f Tf\n" % (font.i, size)
        self.size = size

    def width(self, text: str) -> float:
        """Return how wide a text is."""
        return sum(map(self._widths, text)) * self.size

    def left(self, x: float, y: float, text: str) -> None:
        """Write a text that begins at x."""
        page = self._page
        if page.pen is not self:
            if not page.in_text:
                page.parts.append(b"BT\n")
                page.in_text = True
            page.parts.append(self._operators)
            page.pen = self
        page.parts.append(
            b"1 0 0 1 %.2f %.2f Tm(%b)Tj\n"
            % (x, PAGE_HEIGHT - y, text.translate(self._codes).encode("latin-1"))
        )

    def right(self, x: float, y: float, text: str) -> None:
        """Write a text that ends at x."""
        self.left(x - sum(map(self._widths, text)) * self.size, y, text)


class Canvas:
    """Draws a document page by page. Positions and sizes are points, y grows downwards."""

    def __init__(self, metadata: Metadata) -> None:
        self._spool = PageSpool()
        pdf = Document(self._spool)
        pdf.set_title(metadata.title)
        pdf.set_subject(metadata.subject)
        pdf.set_author(metadata.author)
        pdf.set_keywords([metadata.keywords])
        pdf.set_creator("Cycle")
        pdf.set_producer("Cycle")
        pdf.set_lang("sw-KE" if metadata.language == "sw" else "en-KE")
        pdf.set_creation_date(metadata.created_at)
        self._faces: list[tuple[TTFFont, _Codes, _Widths]] = []
        for face, style, cut in ((Face.REGULAR, "", "Regular"), (Face.BOLD, "B", "Bold")):
            path = files("jobs.statement") / "fonts" / f"{_FAMILY}-{cut}.ttf"
            pdf.add_font(_FAMILY, style, str(path))
            font = pdf.fonts[_FAMILY.lower() + style]
            assert isinstance(font, TTFFont)
            # Glyphs go into the file as they are; their boxes need no second reckoning.
            font.ttfont.recalcBBoxes = False
            assert len(self._faces) == face
            self._faces.append((font, _Codes(font), _Widths(font)))
        pdf.add_page()
        self._pdf = pdf
        self._page = _Page()
        self._pens: dict[tuple[float, Colour, Face], Pen] = {}
        self.page = 0
        """The number of the page being drawn."""

    def start_page(self) -> None:
        """Finish the page being drawn, if any, and begin the next."""
        self._finish_page()
        self.page += 1

    def write(self, out: Sink) -> None:
        """Finish the document and write it."""
        self._finish_page()
        self._pdf.write_to(out)

    def close(self) -> None:
        """Let go of pages and font files."""
        self._spool.close()
        for font, _, _ in self._faces:
            font.close()

    def _finish_page(self) -> None:
        content = self._page.take()
        if self.page:
            self._spool.add(content)

    def pen(self, size: float, colour: Colour, face: Face = Face.REGULAR) -> Pen:
        """Return what writes in this size, colour and face."""
        key = (size, colour, face)
        pen = self._pens.get(key)
        if pen is None:
            pen = self._pens[key] = Pen(self._page, *self._faces[face], size, colour)
        return pen

    def width(self, text: str, size: float, face: Face = Face.REGULAR) -> float:
        """Return how wide a text is."""
        return sum(map(self._faces[face][2].__getitem__, text)) * size

    def fit(
        self, text: str, width: float, size: float, face: Face = Face.REGULAR, least: float = 6.0
    ) -> tuple[str, float]:
        """Return a text and a size that fit: smaller down to ``least``, then with an ellipsis."""
        units = self.width(text, 1, face)
        if units * size <= width:
            return text, size
        size = max(least, width / units)
        if units * size <= width + 0.01:
            return text, size
        while text and self.width(text + _ELLIPSIS, size, face) > width:
            text = text[:-1]
        return text.rstrip() + _ELLIPSIS, size

    def wrap(self, text: str, width: float, size: float, face: Face = Face.REGULAR) -> list[str]:
        """Return a text's lines, broken at spaces; a word that is too long has one of its own."""
        lines: list[str] = []
        for word in text.split():
            if lines and self.width(f"{lines[-1]} {word}", size, face) <= width:
                lines[-1] += f" {word}"
            else:
                lines.append(word)
        return lines or [""]

    def text(
        self,
        x: float,
        y: float,
        text: str,
        size: float,
        colour: Colour,
        face: Face = Face.REGULAR,
        align: Align = Align.LEFT,
    ) -> None:
        """Write one line with its baseline at y."""
        if align is not Align.LEFT:
            x -= self.width(text, size, face) * align.value
        self.pen(size, colour, face).left(x, y, text)

    def box(self, x: float, y: float, width: float, height: float, colour: Colour) -> None:
        """Fill a rectangle whose top left corner is at x, y."""
        self._page.put_shape(
            colour.fill
            + b"%.2f %.2f %.2f %.2f re f\n" % (x, PAGE_HEIGHT - y - height, width, height)
        )

    def circle(self, x: float, y: float, radius: float, colour: Colour) -> None:
        """Fill a circle around x, y."""
        y = PAGE_HEIGHT - y
        k = radius * _KAPPA
        points = (
            (x + radius, y + k, x + k, y + radius, x, y + radius),
            (x - k, y + radius, x - radius, y + k, x - radius, y),
            (x - radius, y - k, x - k, y - radius, x, y - radius),
            (x + k, y - radius, x + radius, y - k, x + radius, y),
        )
        curves = b"".join(b"%.2f %.2f %.2f %.2f %.2f %.2f c " % point for point in points)
        self._page.put_shape(colour.fill + b"%.2f %.2f m " % (x + radius, y) + curves + b"f\n")

    def line(self, points: list[tuple[float, float]], colour: Colour, width: float = 0.5) -> None:
        """Stroke a path through points."""
        self._page.put_shape(colour.stroke + b"%.2f w 1 j " % width + self._path(points) + b"S\n")

    def area(self, points: list[tuple[float, float]], colour: Colour) -> None:
        """Fill the polygon through points."""
        self._page.put_shape(colour.fill + self._path(points) + b"f\n")

    @staticmethod
    def _path(points: list[tuple[float, float]]) -> bytes:
        steps = [b"%.2f %.2f l " % (x, PAGE_HEIGHT - y) for x, y in points]
        steps[0] = steps[0].replace(b" l ", b" m ")
        return b"".join(steps)


def plain(text: str) -> str:
    """Return a text on one line, composed, so that each letter has a glyph of its own."""
    if text.isprintable() and unicodedata.is_normalized("NFC", text):
        return text
    composed = unicodedata.normalize("NFC", text)
    return "".join(char if char.isprintable() else " " for char in composed)
