"""The cache as Prefect's result storage: accepted completions as text, by the key of their request.

Prefect's own storage would run a planted pickle record while it looks whether one is there, writes
in place, keeps every failed task's exception, and a write that fails is a line in a log.
"""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from prefect.filesystems import LocalFileSystem
from prefect.serializers import JSONSerializer
from pydantic import PrivateAttr

from docmill.schemas.chat import Completion
from docmill.tasks.chat.kept import Cache, DirectoryCache, default_cache
from docmill.tasks.chat.storing import stored

SERIALIZER = JSONSerializer(object_decoder=None)  # text in, text out: it decodes no object


async def cached(key: str) -> Completion | None:
    """Read the completion of a key from the default cache, without a task run; None is a miss."""
    store = CompletionCache(cache=default_cache, oldest=lambda: 0.0, failed=lambda _: None)
    try:
        return _completion(json.loads(await store.aread_path(key)))
    except (OSError, ValueError):
        return None


class CompletionCache(LocalFileSystem):
    """Prefect's result storage of `complete`: it keeps what lies below chat/ and nothing else.

    `cache` says where, at each use, as a session may move it. A write that fails is remembered through
    `failed`; where a record is older than `oldest()` (seconds since the epoch) it is a miss. `used` hears of
    each that is read, and when it was written.
    """

    _block_type_name = "docmill completion cache"
    _cache: Callable[[], Cache] = PrivateAttr()
    _oldest: Callable[[], float] = PrivateAttr()
    _failed: Callable[[OSError], None] = PrivateAttr()
    _used: Callable[[str, float], None] = PrivateAttr()

    def __init__(
        self,
        cache: Callable[[], Cache],
        oldest: Callable[[], float],
        failed: Callable[[OSError], None],
        used: Callable[[str, float], None] = lambda key, written: None,  # noqa: ARG005
    ) -> None:
        super().__init__()
        self._cache, self._oldest, self._failed, self._used = cache, oldest, failed, used

    async def aread_path(self, path: str) -> bytes:
        """Read a record; a ValueError or OSError, which is a miss, unless it is one of ours and fresh."""
        content, written = await self._cache().read(path)
        if written < self._oldest():
            raise ValueError(f"{path} is older than the run, which asks everything anew")
        record = _trusted(content)
        self._used(path, written)
        return record

    async def awrite_path(self, path: str, content: bytes) -> str:
        """Write a record durably, all of it or nothing; what is not below chat/ is not kept.

        It is written, too, where who waits for it is cancelled.
        """
        await stored(self._write(path, content))
        return str(self._resolve_path(path))

    async def _write(self, path: str, content: bytes) -> None:
        try:
            await self._cache().write(path, content)
        except OSError as error:
            self._failed(error)
            raise

    def read_path(self, path: str) -> bytes:  # type: ignore[override]  # Prefect dispatches on the loop
        """Refuse: `complete` is async."""
        raise NotImplementedError(path)

    def write_path(self, path: str, content: bytes) -> str:  # type: ignore[override]
        """Refuse: `complete` is async."""
        raise NotImplementedError(path)

    def _resolve_path(self, path: str) -> Path:
        """Give a key's file; Prefect resolves links, at a cost, and a cache has none of ours."""
        cache = self._cache()
        return cache.file(path) if isinstance(cache, DirectoryCache) else Path(path)


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
