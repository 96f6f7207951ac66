"""What stands on a PDF beside its pages' own text: the values of forms, and what was typed or noted on it."""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple, Self

from docmill.tasks.sources.parsing.missed import Missed, Why
from docmill.tasks.sources.parsing.pdf import xfa
from docmill.tasks.sources.parsing.pdf.file import attachment
from docmill.tasks.sources.parsing.pdf.words import string

UNSEEN = 0x02 | 0x20  # the annotation flags Hidden and NoView
PASSWORD = 1 << 13  # the field's flag
TICK = "☒"
WORD = re.compile(r"[^\W_]+")
ON = re.compile(r"yes|on|true|x|\d*|choice\d*", re.IGNORECASE)  # a ticked box whose value says no more


class Note(NamedTuple):
    """What is added below a page's text; where it was drawn, only if the text has no `value`."""

    value: str
    line: str
    drawn: bool


class Form:
    """The form of a document, if it has one; made before any page of it is loaded."""

    def __init__(self, document: Any, missed: Missed) -> None:  # pypdfium2 is untyped
        from pypdfium2 import raw

        self._missed = missed
        self._env = None
        self.values = ""
        kind = document.get_formtype()
        # pypdfium2's own init_forms would draw what has no appearance, below all text and without a name.
        if kind != raw.FORMTYPE_NONE:
            self._config = raw.FPDF_FORMFILLINFO(version=2)
            self._env = raw.FPDFDOC_InitFormFillEnvironment(document, self._config)
        if kind == raw.FORMTYPE_XFA_FULL:
            self.values = xfa.values(document)
            missed.add("form", Why.XFA)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._env:
            from pypdfium2 import raw

            raw.FPDFDOC_ExitFormFillEnvironment(self._env)
            self._env = None

    def notes(self, page: Any) -> list[Note]:
        """Give what a page's annotations say; to be asked before they are made a part of the page."""
        from pypdfium2 import raw

        found: list[Note] = []
        for index in range(raw.FPDFPage_GetAnnotCount(page)):
            annotation = raw.FPDFPage_GetAnnot(page, index)
            if annotation:
                found += self._of(annotation)
                raw.FPDFPage_CloseAnnot(annotation)
        return found

    def _of(self, annotation: Any) -> Iterator[Note]:
        from pypdfium2 import raw

        kind = raw.FPDFAnnot_GetSubtype(annotation)
        drawn = bool(raw.FPDFAnnot_HasKey(annotation, b"AP"))
        if raw.FPDFAnnot_GetFlags(annotation) & UNSEEN or kind in (raw.FPDF_ANNOT_LINK, raw.FPDF_ANNOT_POPUP):
            return
        if kind == raw.FPDF_ANNOT_FILEATTACHMENT:
            attachment(raw.FPDFAnnot_GetFileAttachment(annotation), self._missed)
        if kind != raw.FPDF_ANNOT_WIDGET:
            said = string(raw.FPDFAnnot_GetStringValue, annotation, b"Contents").strip()
            yield from [Note(said, said, True)] if said else []  # often the words that it marks
        elif self._env:
            yield from self._field(annotation, drawn)

    def _field(self, annotation: Any, drawn: bool) -> Iterator[Note]:
        from pypdfium2 import raw

        field = (self._env, annotation)
        name = string(raw.FPDFAnnot_GetFormFieldAlternateName, *field).strip()
        name = name or string(raw.FPDFAnnot_GetFormFieldName, *field).strip()
        kind = raw.FPDFAnnot_GetFormFieldType(*field)
        if kind in (raw.FPDF_FORMFIELD_CHECKBOX, raw.FPDF_FORMFIELD_RADIOBUTTON):
            state = string(raw.FPDFAnnot_GetStringValue, annotation, b"AS")
            state = state or string(raw.FPDFAnnot_GetFormFieldValue, *field)
            if state not in ("", "Off"):
                said = TICK if ON.fullmatch(state) else f"{TICK} {state}"
                yield Note(said, f"{name}: {said}", False)
        elif kind in (
            raw.FPDF_FORMFIELD_TEXTFIELD,
            raw.FPDF_FORMFIELD_COMBOBOX,
            raw.FPDF_FORMFIELD_LISTBOX,
        ):
            value = string(raw.FPDFAnnot_GetFormFieldValue, *field).strip()
            if value and not raw.FPDFAnnot_GetFormFieldFlags(*field) & PASSWORD:
                yield Note(value, f"{name}: {value}" if name else value, drawn)


def joined(text: str, notes: list[Note]) -> str:
    """Give a page's text, and below it the notes that are not in it."""
    if not notes:
        return text
    shown = _words(text)
    lines = [note.line for note in notes if not (note.drawn and _words(note.value) in shown)]
    return "\n".join([text, *dict.fromkeys(lines)])


def _words(text: str) -> str:
    """Write the words of a text with one blank before, between and after them."""
    return f" {' '.join(WORD.findall(text))} "
