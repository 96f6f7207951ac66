"""How a CSV file is written: the sign between its columns, and their names, from its first line."""

import csv
import gzip
import zlib
from io import TextIOWrapper
from pathlib import Path
from typing import NamedTuple

from docmill.schemas.errors import ConfigError

SIGNS = ",;\t|"
MAX_HEADER_CHARS = 1_000_000
BOMS = (b"\xff\xfe", b"\xfe\xff")


class Header(NamedTuple):
    """A CSV file's first line."""

    sign: str
    columns: tuple[str, ...]


def header_of(path: Path, shown: str) -> Header | None:
    """Read a file's header; None of an empty file. Raises ConfigError for one that cannot be used."""
    try:
        line = _first_line(path, shown)
    except (gzip.BadGzipFile, EOFError, zlib.error):
        raise ConfigError(f"rows.files: {shown} is no gzip file, or a damaged one") from None
    if not line.strip():
        return None
    sign = max(SIGNS, key=_unquoted(line).count)
    names = next(csv.reader([line], delimiter=sign))
    columns = tuple(name.strip() or f"column{number}" for number, name in enumerate(names, start=1))
    require_distinct(columns, shown)
    return Header(sign, columns)


def _first_line(path: Path, shown: str) -> str:
    with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
        if file.read(2) in BOMS:
            raise ConfigError(f"rows.files: {shown} is UTF-16: save it as UTF-8")
        file.seek(0)
        text = TextIOWrapper(file, encoding="utf-8-sig", errors="replace", newline="")
        return text.readline(MAX_HEADER_CHARS)


def require_distinct(columns: tuple[str, ...], shown: str) -> None:
    """Raise ConfigError for two columns of one name; DuckDB keeps no letters' case apart."""
    folded = [name.casefold() for name in columns]
    for name in columns:
        if folded.count(name.casefold()) > 1:
            raise ConfigError(f"rows.files: {shown} has two columns {name!r}: rename one")


def _unquoted(line: str) -> str:
    """Leave out what stands in quotes."""
    return "".join(line.split('"')[::2])
