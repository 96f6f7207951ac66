"""From the parts of a document to its text, in one of several layouts."""

import html
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from email.header import Header

FORMS = ("aligned", "tabs", "blocks", "markdown", "html", "mail")
SUFFIXES = {"markdown": ".md", "html": ".html", "mail": ".eml"}


@dataclass(frozen=True)
class Heading:
    """A line over what follows."""

    text: str


@dataclass(frozen=True)
class Lines:
    """Lines that stand below each other, such as an address or a paragraph."""

    lines: Sequence[str]


@dataclass(frozen=True)
class Pairs:
    """Values, each with its name before it."""

    pairs: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Items:
    """A list of points."""

    items: Sequence[str]


@dataclass(frozen=True)
class Table:
    """Rows of cells under a header, with sums below; the first column is text, the others numbers."""

    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    sums: Sequence[tuple[str, str]] = field(default=())


Part = Heading | Lines | Pairs | Items | Table


def written(parts: Sequence[Part], form: str, sender: str = "") -> str:
    """Write a document in a form of FORMS."""
    if form == "html":
        body = "\n".join(line for part in parts for line in _html(part))
        return f'<!DOCTYPE html>\n<html><head><meta charset="utf-8"></head>\n<body>\n{body}\n</body></html>\n'
    text = "\n\n".join("\n".join(_plain(part, form)) for part in parts) + "\n"
    if form == "mail":
        head = "MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit"
        return f"From: {sender}\nTo: office@example.org\nSubject: {_title(parts)}\n{head}\n\n{text}"
    return text


def _title(parts: Sequence[Part]) -> str:
    said = next((part.text for part in parts if isinstance(part, Heading)), "-")
    return Header(said, "utf-8").encode()


def _plain(part: Part, form: str) -> Iterator[str]:
    match part:
        case Heading(text):
            yield f"# {text}" if form == "markdown" else text
        case Lines(lines):
            yield from (f"{line}  " if form == "markdown" else line for line in lines)
        case Pairs(pairs):
            bold = "**" if form == "markdown" else ""
            yield from (f"{bold}{name}:{bold} {value}{'  ' if bold else ''}" for name, value in pairs)
        case Items(items):
            yield from (f"- {item}" for item in items)
        case Table():
            yield from _table(part, form)


def _table(table: Table, form: str) -> Iterator[str]:
    if form == "markdown":
        yield _piped(table.header)
        yield _piped(["---", *["---:"] * (len(table.header) - 1)])
        yield from map(_piped, table.rows)
        for name, value in table.sums:
            yield _piped([f"**{name}**", *[""] * (len(table.header) - 2), value])
    elif form == "tabs":
        yield from ("\t".join(row) for row in (table.header, *table.rows))
        yield from ("\t".join([name, *[""] * (len(table.header) - 2), value]) for name, value in table.sums)
    elif form == "blocks":
        for row in table.rows:
            yield from (f"{name}: {cell}" for name, cell in zip(table.header, row, strict=True))
            yield ""
        yield from (f"{name}: {value}" for name, value in table.sums)
    else:
        yield from _aligned(table)


def _piped(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _aligned(table: Table) -> Iterator[str]:
    rows = [table.header, *table.rows]
    widths = [max(len(row[column]) for row in rows) for column in range(len(table.header))]
    for row in rows:
        numbers = (cell.rjust(wide) for cell, wide in zip(row[1:], widths[1:], strict=True))
        cells = [row[0].ljust(widths[0]), *numbers]
        yield "   ".join(cells).rstrip()
    width = sum(widths) + 3 * (len(widths) - 1)
    if table.sums:
        yield "-" * width
    yield from (f"{name}{value.rjust(max(width - len(name), len(value) + 3))}" for name, value in table.sums)


def _html(part: Part) -> Iterator[str]:
    match part:
        case Heading(text):
            yield f"<h1>{html.escape(text)}</h1>"
        case Lines(lines):
            yield f"<p>{'<br>'.join(map(html.escape, lines))}</p>"
        case Pairs(pairs):
            said = (f"{html.escape(name)}: <b>{html.escape(value)}</b>" for name, value in pairs)
            yield f"<p>{'<br>'.join(said)}</p>"
        case Items(items):
            yield f"<ul>{''.join(f'<li>{html.escape(item)}</li>' for item in items)}</ul>"
        case Table(header, rows, sums):
            yield "<table>"
            yield _row("th", header)
            yield from (_row("td", row) for row in rows)
            yield from (_row("td", [name, *[""] * (len(header) - 2), value]) for name, value in sums)
            yield "</table>"


def _row(tag: str, cells: Sequence[str]) -> str:
    return f"<tr>{''.join(f'<{tag}>{html.escape(cell)}</{tag}>' for cell in cells)}</tr>"
