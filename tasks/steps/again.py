"""The second request of a step whose reply leaves out rows, breaks rules or is wrong otherwise."""

from collections.abc import Sequence

import rfc8785

from docmill.schemas.outcome import MissingRow
from docmill.schemas.rule import BrokenRule
from docmill.tasks.checks.request import LONGEST_QUOTED_BYTES, parsed
from docmill.tasks.steps.prompt import harmless

MOST_ROWS_CHARS = 16_384


def asked_again(
    body: bytes, reply: str, missing: Sequence[MissingRow], broken: Sequence[BrokenRule]
) -> bytes:
    """Build the canonical body that asks once more, with the rows left out and the rules that are broken.

    It is the first request but for the two messages that follow. Of very many rows the first are named.
    """
    return followed(body, reply, _wanted(missing, broken))


def followed(body: bytes, reply: str, said: str) -> bytes:
    """Build the canonical body of a request followed by its reply and what is said of that."""
    request = parsed(body)
    quoted = reply if len(reply.encode()) <= LONGEST_QUOTED_BYTES else "[a record]"
    messages = [{"role": "assistant", "content": quoted}, {"role": "user", "content": said}]
    return rfc8785.dumps({**request, "messages": [*request["messages"], *messages]})


def _wanted(missing: Sequence[MissingRow], broken: Sequence[BrokenRule]) -> str:
    said = [_rows(missing)] if missing else []
    if broken:
        rules = "\n".join(each.message for each in broken)
        said.append(f"That record breaks rules:\n{rules}\nRead the values in the document once more.")
    asked = "Give the whole record again. Change nothing that the document does not say."
    return "\n\n".join([*said, asked])


def _rows(missing: Sequence[MissingRow]) -> str:
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
        f"before each:\n{rows}\nKeep all items that it had, and add one for each of these rows that belongs "
        "into the array, in the order of the document."
    )
