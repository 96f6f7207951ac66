"""Where an export goes: stdout, a file that is replaced as a whole, or an object of a store."""

import shutil
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from docmill.schemas.errors import ConfigError, StorageError
from docmill.tasks.sinks.replaced import replaced, require_replaceable
from docmill.tasks.sources.stores import PACKAGES, Stores, reason
from docmill.tasks.sources.urls import Address, address_of, is_remote, path_of, safe

BINARY = ("parquet", "xlsx")


def require_target(output: str | None, to: str) -> None:
    """Raise ConfigError, before anything is read, for a target that cannot be written."""
    if output is None:
        if to in BINARY and sys.stdout.isatty():
            raise ConfigError(f"--output: {to} is no text: name a file, or let stdout lead into one")
        return
    if is_remote(output):
        _address(output)
        return
    path = Path(path_of(output))
    if path.is_dir():
        raise ConfigError(f"--output: {output!r} is a folder: name a file in it")
    require_replaceable(path, "--output")
    if not path.absolute().parent.is_dir():
        raise ConfigError(f"--output: there is no folder {str(path.parent)!r} for {path.name}: make it first")


@contextmanager
def written(output: str | None) -> Iterator[Path]:
    """Give the path of a file to be written, which then goes to its target; nothing does where that fails.

    Raises StorageError for a target that does not take it.
    """
    try:
        if output is not None and not is_remote(output):
            with replaced(Path(path_of(output)), "--output") as draft:
                yield draft
            return
        with TemporaryDirectory(prefix="docmill-export-") as folder:
            draft = Path(folder, "draft")
            yield draft
            if output is not None:
                _upload(draft, _address(output), output)
            else:
                with draft.open("rb") as made:
                    shutil.copyfileobj(made, sys.stdout.buffer)
    except OSError as error:
        raise StorageError(f"--output: {output or 'stdout'} cannot be written: {error.strerror}") from None


def _address(url: str) -> Address:
    address, said = address_of(url), safe(url)
    if address is None or address.protocol not in PACKAGES:
        known = ", ".join(f"{name}://" for name in PACKAGES)
        raise ConfigError(f"--output: {said!r} is no URL of a store: {known}")
    if not address.bucket or not address.key or address.key.endswith("/") or "@" in address.bucket:
        raise ConfigError(f"--output: {said!r} names no object: write {address.protocol}://BUCKET/NAME")
    return address


def _upload(file: Path, address: Address, shown: str) -> None:
    with closing(Stores("--output")) as stores:
        store = stores.of(address.protocol)
        try:
            store.write(address.bucket, address.key, file)
        except Exception as error:  # noqa: BLE001 - whatever a driver raises
            raise StorageError(f"--output: {shown!r} cannot be written: {reason(error)}") from None
