"""The cache: accepted completions as files of text, by the key of their request.

Prefect's own storage would run a planted pickle record while it looks whether one is there, writes
in place, keeps every failed task's exception, and a write that fails is a line in a log.
"""

import asyncio
import json
import os
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from prefect.filesystems import LocalFileSystem
from prefect.serializers import JSONSerializer
from pydantic import PrivateAttr

from docmill.schemas.chat import Completion
from docmill.tasks.chat.places import RECORDS, default_directory, make
from docmill.tasks.checks import regular

SERIALIZER = JSONSerializer(object_decoder=None)  # text in, text out: it decodes no object


async def cached(key: str) -> Completion | None:
    """Read the completion of a key from the default directory, without a task run; None is a miss."""
    store = CompletionCache(directory=default_directory, oldest=lambda: 0.0, failed=lambda _: None)
    try:
        return _completion(json.loads(await store.aread_path(key)))
    except (OSError, ValueError):
        return None


class CompletionCache(LocalFileSystem):
    """Prefect's result storage of `complete`: it keeps what lies below chat/ and nothing else.

    A write that fails is remembered through `failed`; where a record is older than `oldest()`
    (seconds since the epoch) it is a miss. `used` hears of each that is read, and when it was written.
    """

    _block_type_name = "docmill completion cache"
    _directory: Callable[[], Path] = PrivateAttr()
    _oldest: Callable[[], float] = PrivateAttr()
    _failed: Callable[[OSError], None] = PrivateAttr()
    _used: Callable[[str, float], None] = PrivateAttr()

    def __init__(
        self,
        directory: Callable[[], Path],
        oldest: Callable[[], float],
        failed: Callable[[OSError], None],
        used: Callable[[str, float], None] = lambda digest, written: None,  # noqa: ARG005
    ) -> None:
        super().__init__()
        self._directory, self._oldest, self._failed, self._used = directory, oldest, failed, used

    async def aread_path(self, path: str) -> bytes:
        """Read a record; a ValueError or OSError, which is a miss, unless it is one of ours and fresh."""
        file = self._resolve_path(path)
        # Small and hot: a thread would cost more than the read.
        with regular.opened(file, follow=False) as stream:
            written = os.fstat(stream.fileno()).st_mtime
            if written < self._oldest():
                raise ValueError(f"{path} is older than the run, which asks everything anew")
            record = _trusted(stream.read())
        self._used(file.name, written)
        return record

    async def awrite_path(self, path: str, content: bytes) -> str:
        """Write a record durably, all of it or nothing; what is not below chat/ is not kept."""
        file = self._resolve_path(path)
        if file.relative_to(self._directory()).parts[0] == RECORDS:
            try:
                await asyncio.to_thread(_write, file, content)
            except OSError as error:
                self._failed(error)
                raise
        return str(file)

    def read_path(self, path: str) -> bytes:  # type: ignore[override]  # Prefect dispatches on the loop
        """Refuse: `complete` is async."""
        raise NotImplementedError(path)

    def write_path(self, path: str, content: bytes) -> str:  # type: ignore[override]
        """Refuse: `complete` is async."""
        raise NotImplementedError(path)

    def _resolve_path(self, path: str) -> Path:
        """Give a key's file; Prefect resolves links, at a cost, and this directory has none of ours."""
        directory = self._directory()
        file = directory / path
        if ".." in file.parts or not file.is_relative_to(directory):
            raise ValueError(f"{path!r} is outside of the cache")
        return file


def _trusted(content: bytes) -> bytes:
    """Give a record's bytes anew, where its serializer is ours and its result a completion's text.

    Not the bytes as they are: of a key given twice two readers may see different values, and
    Prefect still takes a serializer at the top level.
    """
    record: dict[str, Any] = json.loads(content)
    if record.keys() != {"metadata", "result"} or record["metadata"]["serializer"] != _OURS:
        raise ValueError("not a record of docmill's")
    _completion(record)
    return json.dumps(record).encode()


def _completion(record: Mapping[str, Any]) -> Completion:
    return Completion.model_validate_json(json.loads(record["result"]))


_OURS = SERIALIZER.model_dump(mode="json")


def _write(file: Path, content: bytes) -> None:
    make(file.parent)
    part = file.parent / f".{file.name}.{secrets.token_hex(4)}"
    try:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        os.utime(part)  # the file's own time comes from a clock that lags behind the run's start
        part.rename(file)
    except OSError:
        part.unlink(missing_ok=True)
        raise
