"""Where a long text may be cut: at headings, pages, paragraphs and lines, chosen by what stands there."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from hashlib import blake2b

LINE, PARAGRAPH, PAGE, HEADING = range(4)  # the last is the best place
AROUND = 100  # characters on both sides of a place, by which it is chosen
LONGEST_HEADING = 120  # characters
NAMED = "chapter|section|article|part|annex|appendix|schedule|kapitel|abschnitt|artikel|teil|anhang|anlage|§"
HEADINGS = re.compile(
    rf"#{{1,6}} +\S|(?:\d{{1,3}}\.){{1,5}}(?:\d{{1,3}})? +[^\W\d]|(?i:(?:{NAMED}) *[\divxlc]+)\b"
)
LINES = re.compile(r"(?<=[\n\f])[^\n\f]*\S")  # that say something
BLANK_LINE = re.compile(r"\n[ \t\r]*\n\Z")
PAGE_BREAK = re.compile(r"\f\s*\Z")
BLANK_CHARS = 40  # before a line, that are looked at
Size = Callable[[str], int]


@dataclass(frozen=True)
class Anchor:
    """A place between two characters where a text may be cut.

    `before` is the size of the text before it. Of two anchors that which ranks higher is the better place.
    What it is chosen by beside its rank depends on the text around it alone: an edit elsewhere does not
    change it.
    """

    at: int
    before: int
    rank: tuple[int, bytes]


def anchors(text: str, page_starts: Iterable[int], size: Size) -> list[Anchor]:
    """List the places where a text may be cut, in its order."""
    found: list[Anchor] = []
    before = last = 0
    for at, rank in _places(text, frozenset(page_starts)):
        before += size(text[last:at])
        last = at
        around = text[max(0, at - AROUND) : at + AROUND].encode(errors="surrogatepass")
        found.append(Anchor(at, before, (rank, blake2b(around, digest_size=8).digest())))
    return found


def _places(text: str, pages: frozenset[int]) -> Iterator[tuple[int, int]]:
    """Give the beginnings of lines, each with how good a place it is; the text's own is none."""
    for match in LINES.finditer(text):
        at = match.start()
        above = text[max(0, at - BLANK_CHARS) : at]
        begins_page = at in pages or bool(PAGE_BREAK.search(above))
        if not begins_page and not BLANK_LINE.search(above):
            is_marked = text.startswith("#", at) and _is_heading(match[0])
            yield at, HEADING if is_marked else LINE
        elif _is_heading(match[0]):
            yield at, HEADING
        else:
            yield at, PAGE if begins_page else PARAGRAPH


def _is_heading(line: str) -> bool:
    said = line.strip()
    if len(said) > LONGEST_HEADING:
        return False
    return bool(HEADINGS.match(said)) or (said.isupper() and len(said) > 3 and not said.endswith((".", ",")))
