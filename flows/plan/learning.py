"""What unchanged documents have read: their replies are in the cache, and tell of those to run."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from docmill.flows.plan.amounts import Amounts
from docmill.flows.plan.history import FEWEST_CALLS
from docmill.flows.plan.requests import Known, Read
from docmill.schemas.document import Document
from docmill.schemas.errors import StorageError
from docmill.tasks.sources.source import DocumentRef

SAMPLED = 8  # documents: reading them takes time, too
Asked = Callable[[Document, Known], Awaitable[Amounts]]


async def learn(known: Known, amounts: Amounts, sample: Sequence[DocumentRef], asked: Asked) -> None:
    """Read a sample, where a step is to be paid of which too few replies are known; counts nothing."""
    if all(_replies(known, key) >= FEWEST_CALLS for key, calls in amounts.items() if calls.paid.high):
        return
    apart = Known(known.refresh)
    for ref in sample:
        if (document := await asyncio.to_thread(_read, ref)) is not None:
            await asked(document, apart)
    for key, read in apart.read.items():
        if read.replies > _replies(known, key):
            known.read[key] = read


def _read(ref: DocumentRef) -> Document | None:
    try:
        return ref.read()
    except StorageError:
        raise
    except Exception:  # noqa: BLE001  it can no longer be read, and tells nothing
        return None


def _replies(known: Known, key: tuple[str, str]) -> int:
    return known.read.get(key, Read()).replies
