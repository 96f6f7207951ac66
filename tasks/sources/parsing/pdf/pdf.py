"""PDF to the text of its pages, by PDFium."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from docmill.schemas.errors import Unreadable
from docmill.tasks.checks.quality import is_garbled
from docmill.tasks.sources.parsing.missed import Missed, Why
from docmill.tasks.sources.parsing.pdf import file as pdf_file
from docmill.tasks.sources.parsing.pdf import forms as pdf_forms
from docmill.tasks.sources.parsing.pdf import pictures as pdf_pictures
from docmill.tasks.sources.parsing.pdf import scanned as pdf_scanned
from docmill.tasks.sources.parsing.pdf import words as pdf_words
from docmill.tasks.sources.parsing.reasons import MAX_PAGES, Reason

PASSWORD, SECURITY = 4, 5  # FPDF_ERR_PASSWORD, FPDF_ERR_SECURITY
UNMAPPED = re.compile("[\x00-\x08\x0e-\x1f\ufffd\ue000-\uf8ff]")  # glyphs of which no letter is known
MAX_UNMAPPED = 0.2  # of a page; bullets are often such glyphs


def pages(content: bytes, missed: Missed) -> Iterator[str]:
    """Give the text of each page; raises Unreadable where the file is encrypted or damaged."""
    with opened(content) as document:
        blank = []
        with pdf_forms.Form(document, missed) as form:
            for number in range(len(document)):
                text, drawn = _read(document, number, form, missed)
                if not drawn:
                    blank.append(number)
                yield text
        if form.values:
            yield form.values
        pdf_file.look(document, content, blank, missed)


def page(content: bytes, number: int, missed: Missed) -> str:
    """Give the text of one page, counted from 0; raises Unreadable, also where there is no such page."""
    with opened(content) as document:
        if number >= len(document):
            raise Unreadable(Reason.EMPTY)
        with pdf_forms.Form(document, missed) as form:
            return _read(document, number, form, missed)[0]


def drawn(content: bytes, number: int) -> Any:
    """Draw one page, counted from 0, as numpy's array; raises Unreadable."""
    with opened(content) as document:
        return pdf_scanned.drawn(document[number])


@contextmanager
def opened(content: bytes) -> Iterator[Any]:  # pypdfium2 is untyped
    """Open a PDF; raises Unreadable where it is encrypted or damaged, or has too many pages."""
    import pypdfium2

    try:
        document = pypdfium2.PdfDocument(content)
        if len(document) > MAX_PAGES:
            raise Unreadable(Reason.PAGES)
        yield document
    except pypdfium2.PdfiumError as error:
        locked = getattr(error, "err_code", None) in (PASSWORD, SECURITY)
        raise Unreadable(Reason.ENCRYPTED if locked else Reason.DAMAGED) from None


def _read(document: Any, number: int, form: pdf_forms.Form, missed: Missed) -> tuple[str, bool]:
    """Give a page's text, and whether anything at all is drawn on it."""
    page = document[number]
    notes = form.notes(page)
    page = flat(document, number, page)
    words = page.get_textpage()
    text = pdf_words.text_of(words)
    unread = pdf_pictures.unread(page, words, text)
    if len(UNMAPPED.findall(text)) > MAX_UNMAPPED * len(text):
        unread = Why.GLYPHS
    elif not unread and is_garbled(text):
        text, unread = "", Why.GARBLED
    text, unread = pdf_scanned.read(page, number, text, unread, missed)
    if unread:
        missed.pages[number + 1] = unread
    drawn = bool(text) or pdf_pictures.drawn(page)
    words.close()
    page.close()
    return pdf_forms.joined(text, notes), drawn


def flat(document: Any, number: int, page: Any) -> Any:
    """Make what annotations show a part of the page: PDFium reads no other text."""
    from pypdfium2 import raw

    if raw.FPDFPage_Flatten(page, raw.FLAT_NORMALDISPLAY) != raw.FLATTEN_SUCCESS:
        return page
    page.close()
    return document[number]
