"""The rows of one sheet as Excel shows them: what is hidden is left out, what was never computed is noted."""

from collections.abc import Iterator
from typing import IO, Any
from xml.etree.ElementTree import Element

from openpyxl.styles.numbers import BUILTIN_FORMATS

from docmill.schemas.errors import Unreadable
from docmill.tasks.sources.parsing.excel.cells import shown
from docmill.tasks.sources.parsing.excel.computed import Computed
from docmill.tasks.sources.parsing.excel.rows import MAX_ROWS
from docmill.tasks.sources.parsing.reasons import Reason

MAX_COLUMNS = 16_384
OFF = ("0", "false", None)


class Sheet(Computed):
    """Reads a sheet's rows, one after the other."""

    def __init__(self, source: IO[bytes], workbook: Any, strings: Any) -> None:
        super().__init__(source, workbook, strings)
        self._formats = [
            workbook._number_formats[style.numFmtId - 164]
            if style.numFmtId >= 164
            else BUILTIN_FORMATS.get(style.numFmtId, "General")
            for style in workbook._cell_styles
        ]
        self._hidden: set[int] = set()
        self.left_out: set[str] = set()  # rows, columns

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """Give each shown row's number and texts; raises IndexError for a style that there is not."""
        for number, cells in self.parse():
            if number > MAX_ROWS:
                raise Unreadable(Reason.DAMAGED)
            if cells is None:
                self.left_out.add("rows")
                continue
            texts: list[str] = []
            for cell in cells:
                if cell["value"] is None:
                    continue
                at = cell["column"] - 1
                if at + 1 in self._hidden:
                    self.left_out.add("columns")
                    continue
                if at >= len(texts):
                    texts += [""] * (at + 1 - len(texts))
                texts[at] = shown(cell["value"], self._formats[cell["style_id"]])
            if self._hidden:
                texts = [text for at, text in enumerate(texts, start=1) if at not in self._hidden]
            yield number, texts

    def parse_row(self, row: Element) -> tuple[int, list[dict[str, Any]] | None]:
        """Read a row; None for one that is hidden and has cells."""
        unsaved = len(self.unsaved)
        number, cells = super().parse_row(row)
        hidden = row.get("hidden") not in OFF or row.get("ht") == "0"
        if hidden and cells and any(cell["value"] is not None for cell in cells):
            del self.unsaved[unsaved:]
            return number, None
        return number, cells

    def parse_column_dimensions(self, col: Element) -> None:
        """Note the columns that are hidden."""
        first, last = int(col.get("min", "0")), min(int(col.get("max", "0")), MAX_COLUMNS)
        if col.get("hidden") not in OFF or col.get("width") == "0":
            self._hidden.update(range(first, last + 1))
