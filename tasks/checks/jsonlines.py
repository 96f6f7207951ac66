"""On which line of a JSON text each of its values stands."""

import json
import re

from docmill.tasks.checks.subschemas import Pointer

TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],]|[^\s{}\[\],:"]+')


def line_of(text: str, at: Pointer) -> int:
    """Give the line, from 1, where a member or an item begins; of what is not there, where it would be."""
    lines = _lines(text)
    return next((lines[at[:length]] for length in range(len(at), -1, -1) if at[:length] in lines), 1)


def _lines(text: str) -> dict[Pointer, int]:
    lines: dict[Pointer, int] = {}
    path: list[
        str | int | None
    ] = []  # the number in an array, the name in an object: None where it comes next
    line, counted = 1, 0
    for token in TOKEN.finditer(text):
        line += text.count("\n", counted, token.start())
        counted = token.start()
        if path and path[-1] is None and token[0][0] == '"':
            path[-1] = json.loads(token[0])
        if token[0] in ("}", "]"):
            path.pop()
        elif token[0] == ",":
            path[-1] = path[-1] + 1 if isinstance(path[-1], int) else None
        else:
            lines.setdefault(tuple(map(str, path)), line)
            if token[0] in ("{", "["):
                path.append(None if token[0] == "{" else 0)
    return lines
