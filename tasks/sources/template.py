"""The text of a row: a Jinja2 template over the query's columns, in a sandbox."""

import re
from collections.abc import Callable, Mapping, Sequence
from numbers import Number
from typing import Any

from jinja2 import StrictUndefined, TemplateSyntaxError, meta
from jinja2.exceptions import SecurityError, UndefinedError
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

from docmill.schemas.errors import ConfigError, Unreadable
from docmill.tasks.sources.columns import require
from docmill.tasks.sources.values import Json, as_json, writable, written

MAX_CHARS = 20_000_000
TOO_LARGE = f"the row's text is larger than {MAX_CHARS:,} bytes: shorten it in the query"
NAMED = re.compile(r"(?:attribute|element) ['\"]?(.+?)['\"]?(?: of |\Z)", re.DOTALL)
Render = Callable[[Mapping[str, Any]], str]


class _Null(str):
    """NULL: nothing when it is written, whatever filter it goes through, and `none` to the test of that."""

    __slots__ = ()


NULL = _Null()


class _Sandbox(ImmutableSandboxedEnvironment):
    intercepted_binops = frozenset({"*", "**", "%"})

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Calculate with numbers alone: of texts and lists these operators make gigabytes."""
        if operator == "**" or not (isinstance(left, Number) and isinstance(right, Number)):
            raise SecurityError(
                f"{operator} is not taken between {type(left).__name__} and {type(right).__name__}"
            )
        return super().call_binop(context, operator, left, right)


def compiled(text: str, columns: Sequence[str]) -> Render:
    """Make the function that renders a row, by its columns' names; that raises Unreadable.

    Raises ConfigError for what is no template, and for a name that is no column.
    """
    environment = _sandbox()
    try:
        parsed = environment.parse(text)
        # Filters and tests that do not exist are found by compiling alone.
        template = environment.from_string(text)
    except TemplateSyntaxError as error:
        raise ConfigError(f"rows.text: line {error.lineno}: {error.message}") from None
    if any(True for _ in meta.find_referenced_templates(parsed)):
        raise ConfigError("rows.text: other templates cannot be included")
    for name in sorted(meta.find_undeclared_variables(parsed)):
        if name in columns or name not in environment.globals:
            require(columns, name, "rows.text")

    def render(row: Mapping[str, Any]) -> str:
        parts, length = [], 0
        try:
            values = {name: NULL if value is None else writable(value) for name, value in row.items()}
            for part in template.generate(values):
                parts.append(part)
                length += len(part)
                if length > MAX_CHARS:
                    break
        except Exception as error:  # noqa: BLE001 - a template calls what it likes; this row alone is failed
            raise Unreadable(f"the template cannot be filled: {_said(error, text)}") from None
        if length > MAX_CHARS:
            raise Unreadable(TOO_LARGE)
        return "".join(parts)

    return render


def _said(error: Exception, text: str) -> str:
    """Name an error, with its words where they are the template's: others could say what is in the row."""
    kind = type(error).__name__
    if not isinstance(error, UndefinedError | SecurityError):
        return kind
    said = str(error).replace(f"{Json.__module__}.", "")
    named = NAMED.search(said)
    return f"{kind}: {said}" if named is None or named[1] in text else kind


def _sandbox() -> _Sandbox:
    environment = _Sandbox(
        undefined=StrictUndefined, autoescape=False, finalize=written, keep_trailing_newline=True
    )
    environment.filters["tojson"] = _json  # Jinja2's escapes <, >, & and ' for HTML
    environment.tests["none"] = lambda value: value is None or value is NULL
    del environment.filters["random"], environment.globals["lipsum"]  # one row has one text
    return environment


def _json(value: Any, indent: int | None = None) -> str:
    return as_json(None if value is NULL else value, indent)
