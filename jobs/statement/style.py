"""Colours and measures of documents, and the furniture that every page has."""

from jobs.statement.canvas import PAGE_HEIGHT, PAGE_WIDTH, Align, Canvas, Colour, Face

INK = Colour.of("17212B")
MUTED = Colour.of("66727F")
FAINT = Colour.of("9AA5AF")
RULE = Colour.of("D9DFE3")
WHITE = Colour.of("FFFFFF")
PAPER = Colour.of("F3F7F6")
BRAND = Colour.of("0B5F53")
BRAND_LIGHT = Colour.of("D6EAE5")
BRAND_MIST = Colour.of("BFDCD5")
ACCENT = Colour.of("E08A2B")
GOOD = Colour.of("0B7A4B")
BAD = Colour.of("B3261E")

MARGIN = 38.0
RIGHT = PAGE_WIDTH - MARGIN
BODY_WIDTH = RIGHT - MARGIN
FOOTER_LINE = PAGE_HEIGHT - 42.0
BODY_BOTTOM = FOOTER_LINE - 10.0


def brand_mark(canvas: Canvas, x: float, y: float, size: float, *, dark: bool = False) -> None:
    """Draw the ring with the turning dot and the word beside it; y is the word's baseline."""
    radius = size * 0.42
    centre_x, centre_y = x + radius, y - size * 0.34
    ring, ground, word = (BRAND, WHITE, BRAND) if not dark else (WHITE, BRAND, WHITE)
    canvas.circle(centre_x, centre_y, radius, ring)
    canvas.circle(centre_x, centre_y, radius * 0.60, ground)
    canvas.circle(centre_x + radius * 0.72, centre_y - radius * 0.72, radius * 0.34, ACCENT)
    canvas.text(x + radius * 2 + size * 0.28, y, "Cycle", size, word, Face.BOLD)


def footer(canvas: Canvas, left: str, page: str) -> None:
    """Draw the line at the foot of a page: reference on the left, page on the right."""
    canvas.line([(MARGIN, FOOTER_LINE), (RIGHT, FOOTER_LINE)], RULE)
    y = FOOTER_LINE + 13
    page_width = canvas.width(page, 7.5)
    text, size = canvas.fit(left, BODY_WIDTH - page_width - 16, 7.5)
    canvas.text(MARGIN, y, text, size, MUTED)
    canvas.text(RIGHT, y, page, 7.5, MUTED, align=Align.RIGHT)
