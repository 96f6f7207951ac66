"""What commands print: plain on a pipe, drawn on a terminal, never a document's control characters."""

import json
import sys
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

from rich.console import Console
from rich.text import Text

from docmill.schemas.errors import ChatError

PIPE_WIDTH = 120
is_program = False  # whether the process is docmill's, which it may end: `main` says so


def console(*, stderr: bool = False) -> Console:
    """Make the console of stdout or stderr; what is no terminal gets lines of PIPE_WIDTH columns."""
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else PIPE_WIDTH
    return Console(stderr=stderr, width=width, highlight=False, soft_wrap=False)


def plain(value: Any, style: str = "") -> Text:
    """Write a value of any origin on one line: no markup, no control characters."""
    text = "" if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    shown = "".join(char if char.isprintable() else " " for char in text)
    return Text(" ".join(shown.split()), style=style)


def fail(error: Exception) -> None:
    """Print an error, and what to do about it, on stderr."""
    out = console(stderr=True)
    out.print(
        Text("error: ", style="bold red").append(printable(str(error)), style="default"), soft_wrap=True
    )
    if isinstance(error, ChatError) and error.remedy:
        out.print(Text(error.remedy), soft_wrap=True)


def print_json(value: Mapping[str, Any]) -> None:
    """Print one object on stdout; times are ISO 8601."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, default=written) + "\n")


def written(value: object) -> str:
    """Write for JSON what it has no type for: times as ISO 8601, in UTC, which SQLite does not say."""
    if isinstance(value, datetime):
        return value.replace(tzinfo=value.tzinfo or UTC).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(type(value).__name__)


def printable(text: str) -> str:
    """Take out what could move a terminal's cursor; lines and tabs stay."""
    return "".join(char if char.isprintable() or char in "\n\t" else " " for char in text)
