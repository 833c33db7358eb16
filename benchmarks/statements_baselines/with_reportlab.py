"""The same statement table drawn with reportlab: `with_reportlab.py ROWS.jsonl OUT.pdf`."""

import json
import sys
import time
from pathlib import Path

FONTS = Path(__file__).resolve().parents[2] / "jobs" / "statement" / "fonts"
LEFT, RIGHT, TOP, BOTTOM, ROW = 38.0, 557.28, 74.0, 789.89, 23.0
COLUMNS = ((45, "Date"), (110, "Reference"), (180, "Details"))
FIGURES = ((405.28, "Money out"), (477.28, "Money in"), (550.28, "Balance"))


def main(rows_file: str, out: str) -> None:
    """Draw the rows and print seconds without and with imports, and peak memory."""
    began = time.perf_counter()
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.ttfonts import TTFont
    from reportlab.pdfgen.canvas import Canvas

    ready = time.perf_counter()
    for name in ("Regular", "Bold"):
        pdfmetrics.registerFont(TTFont(name, str(FONTS / f"NotoSans-{name}.ttf")))
    canvas = Canvas(out, pagesize=(595.28, 841.89), pageCompression=1)
    y, number, page = 0.0, 0, 0
    with open(rows_file, encoding="utf-8") as rows:
        for line in rows:
            day, clock, reference, details, more, money_out, money_in, balance = json.loads(line)
            if page == 0 or y + ROW > BOTTOM:
                if page:
                    canvas.showPage()
                page += 1
                y = furniture(canvas, page)
            ground = 841.89 - y
            if number % 2:
                canvas.setFillColorRGB(0.953, 0.969, 0.965)
                canvas.rect(LEFT, ground - ROW, RIGHT - LEFT, ROW, stroke=0, fill=1)
            canvas.setFillColorRGB(0.4, 0.447, 0.498)
            canvas.setFont("Regular", 6.5)
            canvas.drawString(45, ground - 18.5, clock)
            canvas.drawString(180, ground - 18.5, more)
            canvas.setFillColorRGB(0.09, 0.13, 0.17)
            canvas.setFont("Regular", 8)
            canvas.drawString(45, ground - 10, day)
            canvas.drawString(110, ground - 10, reference)
            canvas.drawString(180, ground - 10, details)
            for (x, _), amount in zip(FIGURES, (money_out, money_in, balance), strict=True):
                if amount:
                    canvas.drawRightString(x, ground - 14, amount)
            y += ROW
            number += 1
    canvas.save()
    done = time.perf_counter()
    print(json.dumps([done - ready, done - began, peak_bytes()]))


def furniture(canvas, page: int) -> float:  # type: ignore[no-untyped-def]
    """Draw a page's head and foot; return where rows begin."""
    canvas.setFillColorRGB(0.043, 0.373, 0.325)
    canvas.rect(LEFT, 841.89 - TOP - 19, RIGHT - LEFT, 19, stroke=0, fill=1)
    canvas.setFillColorRGB(1, 1, 1)
    canvas.setFont("Bold", 7.5)
    for x, title in COLUMNS:
        canvas.drawString(x, 841.89 - TOP - 12.5, title)
    for x, title in FIGURES:
        canvas.drawRightString(x, 841.89 - TOP - 12.5, title)
    canvas.setFillColorRGB(0.4, 0.447, 0.498)
    canvas.setFont("Regular", 7.5)
    canvas.drawString(LEFT, 28, "Reference 7KQ2MRX9TB")
    canvas.drawRightString(RIGHT, 28, f"Page {page}")
    return TOP + 19


def peak_bytes() -> int:
    """Return this process's largest resident size; what it had before exec does not count."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError("no VmHWM: this benchmark needs Linux")


if __name__ == "__main__":
    main(*sys.argv[1:])
