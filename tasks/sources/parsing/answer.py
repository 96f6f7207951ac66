"""What a child answers, which is trusted no more than the document."""

from dataclasses import dataclass

from docmill.schemas.errors import Unreadable
from docmill.tasks.sources.parsing import pool, wire
from docmill.tasks.sources.parsing.kinds import Asked
from docmill.tasks.sources.parsing.missed import Missed
from docmill.tasks.sources.parsing.reasons import MAX_PAGES, MAX_TEXT_BYTES, Reason


@dataclass(frozen=True)
class Answer:
    """The text of a document's pages, of one where it has none, and what was missed of it."""

    pages: tuple[str, ...]
    paged: bool
    missed: Missed


def ask(kind: Asked, content: bytes, *, sees: bool = False) -> Answer:
    """Have a child read a document, one that reads pictures where it `sees`; raises Unreadable."""
    if len(content) > MAX_TEXT_BYTES + wire.PART.size:  # other encodings take less than UTF-8
        raise Unreadable(Reason.LONG)
    tag, body = pool.parse(kind, content, sees=sees)
    try:
        told, _, text = body.decode().partition(wire.MISSED_END)
        missed = Missed.read(told)
    except (ValueError, RecursionError):
        raise Unreadable(Reason.DIED) from None
    pages = tuple(text.split(wire.BETWEEN)) if tag == wire.PAGES else (text,)
    if len(pages) > MAX_PAGES + 1:  # what is filled into a form may stand behind the last page
        raise Unreadable(Reason.DIED)
    return Answer(pages, tag == wire.PAGES, missed)
