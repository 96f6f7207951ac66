"""What stands in a mail's text, and around it: stubs, flowed lines, boundaries that nobody named."""

import re

BEGINNING = re.compile(rb"(?:\xef\xbb\xbf|\s)*")
APPLE = re.compile(
    rb"(\d{1,9}) *\r?\n(?=[!-9;-~]{1,76}:)"
)  # Apple Mail's files: a length, the mail, a property list
BOUNDARY = re.compile(rb"(?:\A|\n)--([^\s\"]{1,70})[ \t]*\r?\n(?=[!-9;-~]{1,76}:[ \t])")
LOCKED = "-----BEGIN PGP MESSAGE-----"
UUENCODED = re.compile(r"^begin [0-7]{3} ([^\n]{1,200})\n(?=M[ -`]{60}\n|[ -`]{2,60}\n`)", re.MULTILINE)
ADDRESS = re.compile(r"\]\([^)\s]*\)|<?https?://[^\s>)]*>?")
WORD = re.compile(r"\w+")
NUMBER = re.compile(r"\d[\d.,]*\d|\d")
MOST_CHARS = 200_000  # that are compared
QUOTE = re.compile(r"(?:>[ >]*)?")


def mail_of(content: bytes) -> bytes:
    """Give the mail itself, without what programs write before and behind it."""
    start = BEGINNING.match(content)
    content = content[start.end() :] if start else content
    if length := APPLE.match(content):
        return content[length.end() : length.end() + int(length[1])]
    return content


def boundary_of(body: bytes) -> bytes:
    """Find the line that parts a body; empty where none does."""
    found = BOUNDARY.search(body)
    return found[1] if found else b""


def is_stub(plain: str, richer: str) -> bool:
    """Say whether a plain text leaves out most of what the other version says, or a third of its numbers."""
    plain, richer = plain[:MOST_CHARS], ADDRESS.sub(" ", richer[:MOST_CHARS])
    return _lacks(WORD, plain, richer, 0.5) or _lacks(NUMBER, plain, richer, 0.34)


def lacks_numbers(text: str, other: str) -> bool:
    """Say whether a text leaves out a third of the numbers that another has."""
    return _lacks(NUMBER, text[:MOST_CHARS], ADDRESS.sub(" ", other[:MOST_CHARS]), 0.34)


def _lacks(unit: re.Pattern[str], plain: str, richer: str, share: float) -> bool:
    said, wanted = set(unit.findall(plain.lower())), set(unit.findall(richer.lower()))
    return bool(wanted) and len(wanted - said) > share * len(wanted)


def unflowed(text: str, *, delete: bool) -> str:
    """Join lines that end in a blank, which is none of the text where `delete` (RFC 3676)."""
    lines: list[str] = []
    flows, depth = False, ""
    for line in text.replace("\r\n", "\n").split("\n"):
        quote = QUOTE.match(line)
        marks = quote[0].replace(" ", "") if quote else ""
        words = line[len(quote[0]) :] if quote and marks else line.removeprefix(" ")
        goes_on = words.endswith(" ") and words != "-- "
        if goes_on and delete:
            words = words[:-1]
        if flows and marks == depth and words != "-- ":
            lines[-1] += words
        else:
            lines.append(f"{marks} {words}" if marks else words)
        flows, depth = goes_on, marks
    return "\n".join(lines)
