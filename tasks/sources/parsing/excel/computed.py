"""The cells of a sheet with the values that were saved; a formula that no program has computed is noted."""

from typing import IO, Any
from xml.etree.ElementTree import Element

from openpyxl.worksheet._reader import FORMULA_TAG, WorkSheetParser

LONGEST_NAME = 20  # of a cell


class Computed(WorkSheetParser):  # type: ignore[misc]  # openpyxl is untyped
    """Reads a sheet's cells, one row after the other."""

    def __init__(self, source: IO[bytes], workbook: Any, strings: Any) -> None:
        super().__init__(
            source,
            strings,
            data_only=True,
            epoch=workbook.epoch,
            date_formats=workbook._date_formats,
            timedelta_formats=workbook._timedelta_formats,
        )
        self.unsaved: list[str] = []  # cells whose formula has no value

    def parse_row(self, row: Element) -> tuple[int, list[dict[str, Any]] | None]:
        """Read a row."""
        number, cells = super().parse_row(row)
        self.row_dimensions.clear()  # they would only take memory
        return number, cells

    def parse_cell(self, element: Element) -> dict[str, Any]:
        """Read a cell."""
        cell: dict[str, Any] = super().parse_cell(element)
        if cell["value"] is None and element.find(FORMULA_TAG) is not None and element.get("t") != "str":
            cell["unsaved"] = str(element.get("r"))[:LONGEST_NAME]
            self.unsaved.append(cell["unsaved"])
        return cell
