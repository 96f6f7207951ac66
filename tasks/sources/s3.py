"""S3 as a store, by s3fs."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import CancelledError, Future
from itertools import chain
from pathlib import Path
from typing import IO, Any

from docmill.tasks.sources.store import PIECE_BYTES, Entry, TooLarge

CONNECT_TIMEOUT_S = 5
READ_TIMEOUT_S = 60  # between chunks
WHOLE_TIMEOUT_S = 300
CONNECTIONS = 32
ATTEMPTS, ROUNDS = 3, 2  # of a request: botocore's tries, and how often s3fs has it try


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

    def write(self, bucket: str, key: str, file: Path) -> None:
        """Write it in one request, or in parts that are put together at the end."""
        at = {"Bucket": bucket, "Key": key}
        with file.open("rb") as content:
            first = content.read(PIECE_BYTES)
            if len(first) < PIECE_BYTES:
                self._files.call_s3("put_object", **at, Body=first)
                return
            at["UploadId"] = self._files.call_s3("create_multipart_upload", **at)["UploadId"]
            try:
                parts = []
                for number, piece in enumerate(chain([first], _pieces(content)), start=1):
                    reply = self._files.call_s3("upload_part", **at, PartNumber=number, Body=piece)
                    parts.append({"PartNumber": number, "ETag": reply["ETag"]})
                self._files.call_s3("complete_multipart_upload", **at, MultipartUpload={"Parts": parts})
            except BaseException:
                self._files.call_s3("abort_multipart_upload", **at)  # what is left of it would be paid for
                raise

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


def _pieces(content: IO[bytes]) -> Iterator[bytes]:
    while piece := content.read(PIECE_BYTES):
        yield piece
