"""What a file says, where its text is written with escapes: that of JSON."""

import json
import re

from docmill.tasks.checks.evidence.folding import Folded

ESCAPE = re.compile(r'\\(?:u[0-9a-fA-F]{4}(?:\\u[dD][c-fC-F][0-9a-fA-F]{2})?|["\\/bfnrt])')


def unescaped(text: str) -> Folded:
    """Give what a JSON text says, each character with its place; any other text as it stands."""
    result, cursor = Folded(), 0
    for match in ESCAPE.finditer(text) if "\\" in text and _is_json(text) else ():
        result.add(text[cursor : match.start()], cursor)
        result.add(_said(match[0]), match.start(), len(match[0]))
        cursor = match.end()
    result.add(text[cursor:], cursor)
    return result


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
