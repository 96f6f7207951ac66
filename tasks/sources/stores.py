"""Stores of objects by fsspec: opened, listed in pages, read whole, written, and closed."""

import re
from collections.abc import Iterator
from operator import itemgetter
from pathlib import Path
from threading import Lock
from typing import Any

from docmill.schemas.errors import ConfigError
from docmill.tasks.sources.s3 import S3
from docmill.tasks.sources.store import PIECE_BYTES, Entry, Nameless, Store, TooLarge

# Only stores whose credentials come from the environment or their own configuration.
PACKAGES = {"s3": "s3fs", "gs": "gcsfs", "gcs": "gcsfs", "abfs": "adlfs", "az": "adlfs", "memory": "fsspec"}
UNREACHED = {"HTTPClientError", "ClientConnectionError", "ConnectionError", "TimeoutError"}
NO_CREDENTIALS = re.compile(r"\w*(Credentials|Profile|Token|SSO|Auth)\w*")


class AnyStore:
    """Any other store that fsspec has a file system for."""

    def __init__(self, protocol: str) -> None:
        from fsspec import filesystem

        self._files: Any = filesystem(protocol, skip_instance_cache=True, use_listings_cache=False)

    def entries(self, bucket: str, prefix: str, *, deep: bool) -> Iterator[Entry]:
        """List folder by folder, each sorted."""
        folders = [f"{bucket}/{prefix}".rpartition("/")[0]]
        while folders:
            folder = folders.pop()
            onward = []
            for name, found in self._folder(folder, bucket):
                if found["type"] != "directory":
                    yield Entry(name.removeprefix(f"{bucket}/"), found["size"] or 0)
                elif name == folder:
                    raise Nameless
                elif deep:
                    onward.append(name)
            folders += reversed(onward)

    def _folder(self, folder: str, bucket: str) -> list[tuple[str, dict[str, Any]]]:
        try:
            listing = self._files.ls(folder, detail=True)
        except FileNotFoundError:
            # There are no empty folders in a store: one that is not there is an error only of the bucket.
            if not self._files.exists(bucket):
                raise
            return []
        return sorted(((found["name"].strip("/"), found) for found in listing), key=itemgetter(0))

    def read(self, bucket: str, key: str, most: int) -> bytes:
        """Read one byte more than it may have, at most."""
        content: bytes = self._files.cat_file(f"{bucket}/{key}", start=0, end=most + 1)
        if len(content) > most:
            raise TooLarge
        return content

    def pieces(self, bucket: str, key: str, size: int) -> Iterator[bytes]:
        """Read it by ranges."""
        for begin in range(0, size, PIECE_BYTES):
            yield self._files.cat_file(f"{bucket}/{key}", start=begin, end=min(begin + PIECE_BYTES, size))

    def write(self, bucket: str, key: str, file: Path) -> None:
        """Write it by the driver's own upload."""
        self._files.put_file(str(file), f"{bucket}/{key}")

    def close(self) -> None:
        """Its connections end with it."""


class Stores:
    """The stores that one `place` of what users write names, each opened when it is first asked for."""

    def __init__(self, place: str = "documents") -> None:
        self._place = place
        self._open: dict[str, Store] = {}
        self._lock = Lock()

    def of(self, protocol: str) -> Store:
        """Give the store; raises ConfigError where its package is missing."""
        with self._lock:
            if protocol not in self._open:
                try:
                    self._open[protocol] = S3() if protocol == "s3" else AnyStore(protocol)
                except ImportError:
                    raise ConfigError(_missing(self._place, protocol)) from None
            return self._open[protocol]

    def close(self) -> None:
        """Close those that are open."""
        with self._lock:
            while self._open:
                self._open.popitem()[1].close()


def unreached(error: Exception) -> bool:
    """Say whether the way to the store failed, which is no object's fault."""
    return bool(UNREACHED & {kind.__name__ for kind in type(error).__mro__})


def reason(error: Exception) -> str:
    """Say in our own words why a store did not answer, and what to do; a server's words are not repeated."""
    kinds = {kind.__name__ for kind in type(error).__mro__}
    if isinstance(error, FileNotFoundError):
        return "there is no such bucket"
    if isinstance(error, Nameless):
        return "a key has two slashes in a row, which cannot be listed here: rename what is below them"
    if "ParamValidationError" in kinds:
        return "the bucket's name is none that there can be"
    if isinstance(error, PermissionError):
        return f"access is refused{_code(error)}: check the credentials and what they permit"
    if NO_CREDENTIALS.fullmatch(type(error).__name__):
        return (
            "there are no credentials: set them in the environment, for S3 AWS_ACCESS_KEY_ID and "
            "AWS_SECRET_ACCESS_KEY"
        )
    if unreached(error):
        return "the server cannot be reached: check the network, and for S3 AWS_ENDPOINT_URL"
    return f"{type(error).__name__}{_code(error)}"


def _code(error: Exception) -> str:
    """Give a server's code for an error where it is one word."""
    said = getattr(error.__cause__, "response", None)
    code = said.get("Error", {}).get("Code") if isinstance(said, dict) else None
    return f" ({code})" if re.fullmatch(r"\w{1,50}", str(code or "")) else ""


def _missing(place: str, protocol: str) -> str:
    package = PACKAGES[protocol]
    extra = " (or docmill's extra: docmill[s3])" if protocol == "s3" else ""
    return f"{place}: {protocol}:// needs the package {package}: pip install '{package}'{extra}"
