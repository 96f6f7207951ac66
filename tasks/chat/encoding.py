"""The bytes of an answer's body, as they were before a gateway zipped them: once at most, in small pieces."""

import zlib
from collections.abc import AsyncIterator

import httpx

from docmill.schemas.errors import MaybeBilled

PIECE_BYTES = 65_536
GZIP = 16 + zlib.MAX_WBITS


async def decoded(response: httpx.Response) -> AsyncIterator[bytes]:
    """Give the parts of a body, none much longer than PIECE_BYTES however small it was zipped.

    docmill asks for no encoding. Raises MaybeBilled for another than gzip, and for one within another.
    """
    encoding = response.headers.get("content-encoding", "").strip().lower()
    if encoding in ("", "identity"):
        async for part in response.aiter_raw():
            yield part
        return
    if encoding not in ("gzip", "x-gzip"):
        if response.status_code != 200:
            return  # what it means is said by its status
        raise MaybeBilled("the reply is in an encoding that was not asked for", body=encoding[:80])
    unzipping = zlib.decompressobj(GZIP)
    try:
        async for part in response.aiter_raw():
            rest = part
            while rest and not unzipping.eof:
                yield unzipping.decompress(rest, PIECE_BYTES)
                rest = unzipping.unconsumed_tail
        yield unzipping.flush()
    except zlib.error:
        raise MaybeBilled("the reply is no gzip, though it says so") from None
