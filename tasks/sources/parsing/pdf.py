"""PDF to the text of its pages, by PDFium."""

from collections.abc import Iterator
from typing import Any

from docmill.schemas.errors import Unreadable
from docmill.tasks.sources.parsing.missed import Missed
from docmill.tasks.sources.parsing.reasons import MAX_PAGES, Reason

HYPHEN = "\x02"  # how PDFium gives a hyphen and the line end after it
PASSWORD, SECURITY = 4, 5  # FPDF_ERR_PASSWORD, FPDF_ERR_SECURITY


def pages(content: bytes, missed: Missed) -> Iterator[str]:
    """Give the text of each page; raises Unreadable where the file is encrypted or damaged."""
    import pypdfium2

    try:
        document = pypdfium2.PdfDocument(content)
        if len(document) > MAX_PAGES:
            raise Unreadable(Reason.PAGES)
        for number in range(len(document)):
            page = _filled(document, number)
            words = page.get_textpage()
            yield words.get_text_bounded().replace(HYPHEN, "-\n")
            words.close()
            page.close()
    except pypdfium2.PdfiumError as error:
        locked = getattr(error, "err_code", None) in (PASSWORD, SECURITY)
        raise Unreadable(Reason.ENCRYPTED if locked else Reason.DAMAGED) from None


def _filled(document: Any, number: int) -> Any:  # pypdfium2 is untyped
    """Open a page whose form fields, as filled in, are part of it: PDFium reads no other text."""
    from pypdfium2 import raw

    page = document[number]
    if raw.FPDFPage_Flatten(page, raw.FLAT_NORMALDISPLAY) != raw.FLATTEN_SUCCESS:
        return page
    page.close()
    return document[number]
