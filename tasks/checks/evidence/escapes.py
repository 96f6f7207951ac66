"""What a file says, where its text has marks of a format: JSON's escapes, and the commas between cells."""

import json
import re
from collections.abc import Iterator

from docmill.tasks.checks.evidence.folding import Folded
from docmill.tasks.checks.jsontext import STRING

ESCAPE = re.compile(r'\\(?:u[0-9a-fA-F]{4}(?:\\u[dD][c-fC-F][0-9a-fA-F]{2})?|["\\/bfnrt])')
BORDER = r"(?<=\d),(?=[-.]?\d)"  # two numbers, where a text would have one with a decimal comma
IN_JSON = re.compile(rf"{STRING}|{BORDER}", re.DOTALL)
QUOTED = re.compile(r'"(?:[^"]|"")*+"')
IN_CSV = re.compile(rf"{QUOTED.pattern}|{BORDER}")
FEWEST_COMMAS = 2  # a line of CSV: sentences have one
CELL = "\t"
Change = tuple[int, int, str]


def unescaped(text: str) -> Folded:
    """Give what a JSON or CSV text says, each character with its place; any other text as it stands."""
    result, cursor = Folded(), 0
    for start, end, said in _changes(text):
        result.add(text[cursor:start], cursor)
        result.add(said, start, end - start)
        cursor = end
    result.add(text[cursor:], cursor)
    return result


def _changes(text: str) -> Iterator[Change]:
    is_json = _is_json(text)
    if not is_json and not _is_csv(text):
        return
    for match in (IN_JSON if is_json else IN_CSV).finditer(text):
        if match[0] == ",":
            yield *match.span(), CELL
        elif is_json:
            for escape in ESCAPE.finditer(text, *match.span()):
                yield *escape.span(), _said(escape[0])


def _is_csv(text: str) -> bool:
    """Tell whether a text is CSV with commas: as many in each line, no blank behind one, none a number's."""
    header = text[: text.find("\n")]
    commas = header.count(",")
    if commas < FEWEST_COMMAS or any(map(str.isdigit, header)):
        return False
    rows = QUOTED.sub("", text).strip().split("\n")
    return len(rows) > 1 and all(row.count(",") == commas and ", " not in row for row in rows)


def _said(escape: str) -> str:
    said: str = json.loads(f'"{escape}"')
    return said


def _is_json(text: str) -> bool:
    """Tell whether a text begins with an object or an array of JSON, as JSON lines do, too."""
    begins = len(text) - len(text.lstrip())
    if text[begins : begins + 1] not in ("{", "["):
        return False
    try:
        json.JSONDecoder().raw_decode(text, begins)
    except (ValueError, RecursionError):
        return False
    return True
