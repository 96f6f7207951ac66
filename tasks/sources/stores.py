"""Stores of objects by fsspec: opened, listed in pages, read whole, and closed."""

import asyncio
import re
from collections.abc import Iterator
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass
from operator import itemgetter
from threading import Lock
from typing import Any, Protocol

from docmill.schemas.errors import ConfigError

CONNECT_TIMEOUT_S = 5
READ_TIMEOUT_S = 60  # between chunks
WHOLE_TIMEOUT_S = 300
CONNECTIONS = 32
PIECE_BYTES = 16_000_000
ATTEMPTS, ROUNDS = 3, 2  # of a request: botocore's tries, and how often s3fs has it try
# Only stores whose credentials come from the environment or their own configuration.
PACKAGES = {"s3": "s3fs", "gs": "gcsfs", "gcs": "gcsfs", "abfs": "adlfs", "az": "adlfs", "memory": "fsspec"}
UNREACHED = {"HTTPClientError", "ClientConnectionError", "ConnectionError", "TimeoutError"}
NO_CREDENTIALS = re.compile(r"\w*(Credentials|Profile|Token|SSO|Auth)\w*")


class TooLarge(Exception):
    """An object has more bytes than may be read."""


class Nameless(Exception):
    """A folder has an empty name, so that what is in it cannot be listed."""


@dataclass(frozen=True)
class Entry:
    """An object that a store lists."""

    key: str
    size: int


class Store(Protocol):
    """An open store; its methods block, may be called by any thread, and raise what its driver raises."""

    def entries(self, bucket: str, prefix: str, *, deep: bool) -> Iterator[Entry]:
        """List the objects whose keys begin with `prefix`, page by page; `deep`: also beyond the next slash.

        Raises FileNotFoundError, before the first, where there is no such bucket.
        """

    def read(self, bucket: str, key: str, most: int) -> bytes:
        """Read an object; raises TooLarge where it has more than `most` bytes."""

    def pieces(self, bucket: str, key: str, size: int) -> Iterator[bytes]:
        """Read an object of any size, piece by piece; of S3 one that changes meanwhile is an error."""

    def close(self) -> None:
        """Let its connections go."""


class S3:
    """S3 by s3fs, whose requests are made here: its paths do not keep every key apart."""

    def __init__(self) -> None:
        from s3fs import S3FileSystem

        config = {
            "connect_timeout": CONNECT_TIMEOUT_S,
            "read_timeout": READ_TIMEOUT_S,
            "max_pool_connections": CONNECTIONS,
            "retries": {"mode": "standard", "total_max_attempts": ATTEMPTS},
        }
        self._files: Any = S3FileSystem(skip_instance_cache=True, config_kwargs=config)
        self._files.retries = ROUNDS
        self._reading: set[Future[bytes]] = set()
        self._closed = False
        self._files.connect()

    def entries(self, bucket: str, prefix: str, *, deep: bool) -> Iterator[Entry]:
        """List as the server does, by key."""
        asked = {"Bucket": bucket, "Prefix": prefix, "Delimiter": "" if deep else "/"}
        while True:
            page = self._files.call_s3("list_objects_v2", **asked)
            for found in page.get("Contents", []):
                yield Entry(found["Key"], found["Size"])
            if not page.get("IsTruncated"):
                return
            asked["ContinuationToken"] = page["NextContinuationToken"]

    def read(self, bucket: str, key: str, most: int) -> bytes:
        """Read it in one request, which is given up where the answer announces too much."""
        reply = self._files.call_s3("get_object", Bucket=bucket, Key=key)
        loop, body = self._files.loop, reply["Body"]
        try:
            if reply["ContentLength"] > most:
                raise TooLarge
            return self._read(asyncio.run_coroutine_threadsafe(body.read(), loop))
        finally:
            loop.call_soon_threadsafe(body.close)

    def pieces(self, bucket: str, key: str, size: int) -> Iterator[bytes]:
        """Read it by ranges, all of the object that the first one named."""
        same: dict[str, str] = {}
        for begin in range(0, size, PIECE_BYTES):
            part = f"bytes={begin}-{min(begin + PIECE_BYTES, size) - 1}"
            reply = self._files.call_s3("get_object", Bucket=bucket, Key=key, Range=part, **same)
            same = {"IfMatch": reply["ETag"]}
            try:
                yield self._read(asyncio.run_coroutine_threadsafe(reply["Body"].read(), self._files.loop))
            finally:
                self._files.loop.call_soon_threadsafe(reply["Body"].close)

    def close(self) -> None:
        """Close its client; what is under way fails."""
        from fsspec.asyn import sync

        self._closed = True
        for reading in tuple(self._reading):
            reading.cancel()  # as aiohttp lets who reads a body wait for ever
        sync(self._files.loop, self._files.s3.close)

    def _read(self, reading: "Future[bytes]") -> bytes:
        self._reading.add(reading)
        try:
            if self._closed:
                raise CancelledError
            return reading.result(WHOLE_TIMEOUT_S)
        finally:
            reading.cancel()
            self._reading.discard(reading)


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

    def close(self) -> None:
        """Its connections end with it."""


class Stores:
    """The stores that one source reads, each opened when it is first asked for."""

    def __init__(self) -> None:
        self._open: dict[str, Store] = {}
        self._lock = Lock()

    def of(self, protocol: str) -> Store:
        """Give the store; raises ConfigError where its package is missing."""
        with self._lock:
            if protocol not in self._open:
                try:
                    self._open[protocol] = S3() if protocol == "s3" else AnyStore(protocol)
                except ImportError:
                    raise ConfigError(_missing(protocol)) from None
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


def _missing(protocol: str) -> str:
    package = PACKAGES[protocol]
    extra = " (or docmill's extra: docmill[s3])" if protocol == "s3" else ""
    return f"documents: {protocol}:// needs the package {package}: pip install '{package}'{extra}"
