"""The files of rows that patterns match, where DuckDB can open them: a store's are downloaded first."""

import re
from collections.abc import Iterator, Sequence
from contextlib import closing
from os.path import realpath
from pathlib import Path
from typing import NamedTuple, TypeVar

from docmill.schemas.errors import ConfigError, Unreadable
from docmill.tasks.checks.spelling import meant
from docmill.tasks.sources.files import Files, require_readable
from docmill.tasks.sources.store import Entry
from docmill.tasks.sources.stores import Stores, reason
from docmill.tasks.sources.urls import Address, UrlGlob, is_remote, path_of, url_glob

MAX_DOWNLOADED_BYTES = 20_000_000_000  # of all files of a source together
KINDS = {
    ".csv": "csv",
    ".tsv": "csv",
    ".jsonl": "lines",
    ".ndjson": "lines",
    ".parquet": "parquet",
    ".xlsx": "workbook",
    ".xlsm": "workbook",
}
PACKED = ("csv", "lines")  # which DuckDB also reads with .gz behind their suffix
PLAIN = re.compile(r"[\w./ -]*")  # names in which DuckDB takes no sign for a wildcard


T = TypeVar("T")


class NoFiles(Exception):
    """No file matches, so that nobody knows what columns there are."""


class TableFile(NamedTuple):
    """A file of rows: what it is, where it stands, and how it is named to people."""

    kind: str
    path: Path
    shown: str


def located(patterns: Sequence[str], below: tuple[Path, ...], folder: Path) -> list[TableFile]:
    """Find the files, each once, local ones first; `folder` takes what is downloaded.

    Raises NoFiles, and ConfigError for one that may not be read, and for one of another kind.
    """
    try:
        local = tuple(path_of(pattern) for pattern in patterns if not is_remote(pattern))
        remote = [url_glob(pattern) for pattern in patterns if is_remote(pattern)]
        found = [*_local(local, below, folder), *_downloaded(remote, folder)]
    except ConfigError as error:  # whose place is that of other files
        raise ConfigError(re.sub(r"\Adocuments: ", "rows.files: ", str(error))) from None
    if not found:
        raise NoFiles
    return found


def _local(patterns: tuple[str, ...], below: tuple[Path, ...], folder: Path) -> Iterator[TableFile]:
    with Files(patterns, below).opened() as refs:
        for number, ref in enumerate(refs):
            try:
                require_readable(ref)
            except Unreadable as error:
                raise ConfigError(f"rows.files: {ref.document_id}: {error}") from None
            path, suffixes = Path(realpath(ref.path)), _suffixes(ref.document_id)
            # DuckDB sees by its name alone that a file is packed, in small letters.
            if not PLAIN.fullmatch(str(path)) or not path.name.endswith(suffixes):
                link = folder / f"local-{number}{suffixes}"
                link.symlink_to(path)
                path = link
            yield TableFile(_kind(ref.document_id), path, ref.document_id)


def _downloaded(globs: Sequence[UrlGlob], folder: Path) -> Iterator[TableFile]:
    room = MAX_DOWNLOADED_BYTES
    with closing(Stores()) as stores:
        for number, (glob, entry) in enumerate(_listed(globs, stores)):
            room -= entry.size
            if room < 0:
                raise ConfigError(f"rows.files: more than {MAX_DOWNLOADED_BYTES:,} bytes: name fewer files")
            shown = Address(glob.protocol, glob.bucket, entry.key).uri()
            file = TableFile(_kind(shown), folder / f"remote-{number}{_suffixes(shown)}", shown)
            pieces = stores.of(glob.protocol).pieces(glob.bucket, entry.key, entry.size)
            with file.path.open("wb") as onto:
                for piece in _told(pieces, shown):
                    onto.write(piece)
            yield file


def _listed(globs: Sequence[UrlGlob], stores: Stores) -> Iterator[tuple[UrlGlob, Entry]]:
    for at, glob in enumerate(globs):
        for entry in _told(_entries(glob, stores), glob.url):
            address = Address(glob.protocol, glob.bucket, entry.key)
            if glob.matches(address) and not any(earlier.matches(address) for earlier in globs[:at]):
                yield glob, entry


def _entries(glob: UrlGlob, stores: Stores) -> Iterator[Entry]:
    yield from stores.of(glob.protocol).entries(glob.bucket, glob.prefix, deep=glob.deep)


def _told(given: Iterator[T], shown: str) -> Iterator[T]:
    """Give what a store gives; raises ConfigError, which says what of it cannot be read, and why."""
    try:
        yield from given
    except ConfigError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever a driver raises
        raise ConfigError(f"rows.files: {shown!r} cannot be read: {reason(error)}") from None


def _kind(name: str) -> str:
    """Tell what a file is by its suffix; raises ConfigError for what is not read."""
    suffixes = _suffixes(name)
    kind = KINDS.get(suffixes.removesuffix(".gz"))
    if kind is None or (suffixes.endswith(".gz") and kind not in PACKED):
        said = f"{suffixes!r} is no kind of file that rows are read from" if suffixes else "has no suffix"
        raise ConfigError(f"rows.files: {name}: {said}{meant(suffixes, KINDS)}")
    return kind


def _suffixes(name: str) -> str:
    """Give a file's suffix in small letters, with .gz behind it where it is packed."""
    path = Path(name.lower())
    return Path(path.stem).suffix + ".gz" if path.suffix == ".gz" else path.suffix
