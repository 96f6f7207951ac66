"""The event that announces documents: which of them go together, its id, its content."""

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from docmill.flows.watch.inbox import Arrival

EVENT = "document.arrived"
MAX_DOCUMENTS = 500
MAX_BYTES = 256_000
ENVELOPE_BYTES = 2_000  # of the event without its documents


def grouped(arrivals: Iterable[Arrival]) -> Iterator[list[Arrival]]:
    """Put documents together, in their order, as many as one event may hold."""
    group: list[Arrival] = []
    size = ENVELOPE_BYTES
    for arrival in arrivals:
        more = len(json.dumps(arrival.ref.uri)) + 2
        if len(group) == MAX_DOCUMENTS or (group and size + more > MAX_BYTES):
            yield group
            group, size = [], ENVELOPE_BYTES
        group.append(arrival)
        size += more
    if group:
        yield group


def event_id(pipeline: str, group: Sequence[Arrival], number: int) -> UUID:
    """Give the event's id: the same for the same documents with the same content and number, in any order."""
    pairs = sorted([arrival.ref.uri, arrival.sha256 or ""] for arrival in group)
    return uuid5(uuid5(NAMESPACE_URL, resource(pipeline)), json.dumps([pairs, number]))


def event(pipeline: str, group: Sequence[Arrival], number: int, occurred: datetime) -> dict[str, Any]:
    """Write the event as the Prefect API takes it."""
    return {
        "id": str(event_id(pipeline, group, number)),
        "occurred": occurred.isoformat(),
        "event": EVENT,
        "resource": {"prefect.resource.id": resource(pipeline)},
        "payload": {"pipeline": pipeline, "documents": [arrival.ref.uri for arrival in group]},
    }


def resource(pipeline: str) -> str:
    """Name the resource that a pipeline's arrivals are events of."""
    return f"docmill.inbox.{pipeline}"
