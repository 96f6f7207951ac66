"""The second request of a step whose record left out rows: the first one, its reply, and the rows."""

import json
from collections.abc import Sequence

import rfc8785

from docmill.schemas.outcome import MissingRow
from docmill.tasks.steps.prompt import harmless

LONGEST_REPLY_BYTES = 16_384  # a longer one is not quoted, as in every repair
MOST_ROWS_CHARS = 16_384


def with_missing(body: bytes, reply: str, missing: Sequence[MissingRow]) -> bytes:
    """Build the canonical body that asks once more, with the rows that stand for no item.

    It is the first request but for the two messages that follow. Of very many rows the first are named.
    """
    request = json.loads(body, parse_int=float)  # RFC 8785 knows no integers: large ones stay as they are
    quoted = reply if len(reply.encode()) <= LONGEST_REPLY_BYTES else "[a record that left out rows]"
    messages = [{"role": "assistant", "content": quoted}, {"role": "user", "content": _wanted(missing)}]
    return rfc8785.dumps({**request, "messages": [*request["messages"], *messages]})


def _wanted(missing: Sequence[MissingRow]) -> str:
    lines: list[str] = []
    room = MOST_ROWS_CHARS
    for row in missing:
        line = f"{row.path}: {' '.join(harmless(row.quote).split())}"
        room -= len(line)
        if room < 0:
            lines.append(f"and {len(missing) - len(lines)} more")
            break
        lines.append(line)
    rows = "\n".join(lines)
    return (
        "That record leaves out rows of the document. These stand for no item of the array that is named "
        f"before each:\n{rows}\n\nGive the whole record again, with all items that it had and with one more "
        "for each of these rows that belongs into the array, in the order of the document."
    )
