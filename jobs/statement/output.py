"""Writes a document whose pages wait, packed, in a spool: memory does not grow with pages.

fpdf2 would keep every page and then the whole file. Here it keeps one page, for what all
pages share, and makes fonts, metadata and catalogue; the page objects are written by us.
"""

import hashlib
import tempfile
import zlib
from array import array
from typing import IO

from fpdf import FPDF
from fpdf.output import OutputProducer, PDFPagesRoot, PDFResources
from fpdf.syntax import PDFArray, PDFObject

from jobs.statement.sink import Sink

_SPOOL_BYTES = 256 * 1024


class PageSpool:
    """Finished pages' contents, packed; beyond a small size on disk, in a file without a name."""

    def __init__(self) -> None:
        self.lengths = array("L")
        self._file: IO[bytes] = tempfile.SpooledTemporaryFile(_SPOOL_BYTES)  # noqa: SIM115 - closed by close()

    def add(self, content: bytes) -> None:
        """Pack a page and put it behind the others."""
        packed = zlib.compress(content)
        self._file.write(packed)
        self.lengths.append(len(packed))

    def rewind(self) -> None:
        """Go back to the first page."""
        self._file.seek(0)

    def take(self, length: int) -> bytes:
        """Return the next page, packed, whose length is known."""
        return self._file.read(length)

    def close(self) -> None:
        """Throw the pages away."""
        self._file.close()


class Document(FPDF):
    """An A4 document of PDF/A-2u whose pages are in a spool."""

    def __init__(self, spool: PageSpool) -> None:
        super().__init__(unit="pt", format="A4", enforce_compliance="PDF/A-2U")
        self.set_auto_page_break(False)
        self.single_resources_object = True
        self.spool = spool
        self.sink: Sink | None = None

    def write_to(self, sink: Sink) -> None:
        """Write the whole file; can be done once."""
        self.sink = sink
        self.output(output_producer_class=_SpooledOutput)

    def file_id(self) -> str:
        """Return the file's identifier: two files with the same words and time are one."""
        told = f"{self.title} {self.keywords} {self.creation_date}"
        name = hashlib.sha256(told.encode()).hexdigest()[:32].upper()
        return f"<{name}><{name}>"


class _Written:
    """Stands where fpdf2 has its buffer: passes bytes on and knows how many there were."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def __iadd__(self, content: bytes) -> "_Written":
        self._sink.write(content)
        self._length += len(content)
        return self


class _Page(PDFObject):
    """One page's object, with what fpdf2 sets on each."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.id = number
        self.annots: PDFArray | None = PDFArray()
        self.parent: PDFPagesRoot | None = None
        self.resources: PDFResources | None = None

    def serialize(self, *_: object, **__: object) -> str:
        """Return the object; its contents are the next one."""
        assert self.parent is not None
        assert self.resources is not None
        return (
            f"{self.id} 0 obj\n<<\n/Contents {self.id + 1} 0 R\n/Parent {self.parent.ref}\n"
            f"/Resources {self.resources.ref}\n/Type /Page\n>>\nendobj"
        )


class _Contents(PDFObject):
    """One page's contents, read from the spool when their turn comes."""

    def __init__(self, number: int, spool: PageSpool, length: int) -> None:
        super().__init__()
        self.id = number
        self._spool = spool
        self._length = length

    def serialize(self, *_: object, **__: object) -> bytes:  # type: ignore[override]
        """Return the object; fpdf2 takes bytes as it takes text."""
        return (
            b"%d 0 obj\n<<\n/Filter /FlateDecode\n/Length %d\n>>\nstream\n%b\nendstream\nendobj"
            % (
                self.id,
                self._length,
                self._spool.take(self._length),
            )
        )


class _SpooledOutput(OutputProducer):
    def __init__(self, document: Document) -> None:
        super().__init__(document)
        assert document.sink is not None
        self._spool = document.spool
        self._spool.rewind()
        self.buffer = _Written(document.sink)  # type: ignore[assignment]  # all that is used of it

    def _add_pages_root(self) -> PDFPagesRoot:
        root = super()._add_pages_root()
        root.count = len(self._spool.lengths)
        return root

    def _add_pages(self, _slice: slice = slice(0, None)) -> list[_Page]:  # type: ignore[override]
        pages = []
        for length in self._spool.lengths:
            page = _Page(self.obj_id + 1)
            self.obj_id += 2
            self.pdf_objs += (page, _Contents(self.obj_id, self._spool, length))
            pages.append(page)
        return pages
