"""A page of HTML as a browser shows it, where the converter to Markdown would not see it so.

Every pass goes once over the page: what is not closed ends it.
"""

import html
import re
from collections.abc import Callable, Iterator

from docmill.tasks.sources.parsing.html.raised import plain_marks

HEAD_CHARS = 4096
# Before Python 3.11.5 a group that is repeated by `*+` goes on from amid an alternative that did not match,
# so groups are repeated by `*`: these match the same, and what they keep for going back is bounded.
QUOTED = r"\"[^\"<]*+\"|'[^'<]*+'"
MOST = "{0,1000}"  # values in quotes, or slashes, of a tag
REST = rf"(?:[^<>\"']++|{QUOTED}){MOST}>"  # of a tag, behind its name
XHTML = re.compile(r"<\?xml\b|http://www\.w3\.org/1999/xhtml")
VOID = "area|base|br|col|embed|frame|hr|img|input|link|meta|param|source|track|wbr"
SELF_CLOSED = re.compile(
    rf"<(?!(?:{VOID})\b)([a-z][\w:.-]*)((?:[^<>\"'/]++|/(?!>)|{QUOTED}){MOST})/>", re.IGNORECASE
)
EMPTY_TITLE = re.compile(r"<title\s*/>", re.IGNORECASE)
ATTRIBUTE = re.compile(r"([\w:-]+)(?:\s*=\s*(\"[^\"]*\"|'[^']*'|[^\s>\"']+))?")
INPUT = re.compile(rf"<input\b{REST}", re.IGNORECASE)
SELECT = re.compile(rf"<select\b{REST}", re.IGNORECASE)
OPTION = re.compile(rf"<option\b{REST}([^<]*+)", re.IGNORECASE)
NO_VALUE = ("hidden", "password", "submit", "button", "reset", "image", "file")
BOXES = ("checkbox", "radio")
TICKED, UNTICKED = "☒", "☐"
ITEM = re.compile(r"<li\b[^<>]*?\bvalue\s*=\s*[\"']?(\d{1,9})\b[^<>]*+>", re.IGNORECASE)
STYLE = re.compile(rf"<style\b{REST}", re.IGNORECASE)
CSS_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
RULE = re.compile(r"([^{}]*+)\{([^{}]*+)\}")
SIMPLE = re.compile(r"([a-z][a-z0-9]*)?([.#])([\w-]+)", re.IGNORECASE)
DISPLAY = re.compile(r"(?<![\w-])(?:display|visibility)\s*:\s*([\w-]+)", re.IGNORECASE)
NAMED = re.compile(rf"<([a-z][a-z0-9]*)(?=[^<>]*?\s(?:class|id)\s*=)({REST})", re.IGNORECASE)
FRAME = re.compile(r"<frame\b", re.IGNORECASE)


def as_shown(page: str) -> str:
    """Rewrite a page: its form has its values, its marks are apart, and what its style hides is hidden."""
    page = _filled(_closed(page))
    page = plain_marks(ITEM.sub(r"</ol><ol start=\1><li>", page))
    return _hidden(page)


def has_frames(page: str) -> bool:
    """Say whether a page is made of other files."""
    return bool(FRAME.search(page[: 16 * HEAD_CHARS]))


def _closed(page: str) -> str:
    """Close what XHTML lets close itself: HTML reads `<title/>` as the beginning of a title."""
    if "/>" not in page:
        return page
    if XHTML.search(page[:HEAD_CHARS]):
        return SELF_CLOSED.sub(r"<\1\2></\1>", page)
    return EMPTY_TITLE.sub("", page)


def _filled(page: str) -> str:
    page = INPUT.sub(lambda tag: _value(_attributes(tag[0])), page)
    return _replaced(
        page, SELECT, "</select>", lambda tag, inner: _chosen(inner, "multiple" in _attributes(tag))
    )


def _value(given: dict[str, str]) -> str:
    kind = given.get("type", "text").lower()
    if kind in NO_VALUE or "hidden" in given:
        return ""
    if kind in BOXES:
        return f" {TICKED if 'checked' in given else UNTICKED} "
    return f" {html.escape(given.get('value', ''))} "


def _chosen(inner: str, several: bool) -> str:
    """Give what a list shows: the items that are selected, of a list of one choice else the first."""
    options = [(_attributes(option[0]), option[1].strip()) for option in OPTION.finditer(inner)]
    chosen = [label for given, label in options if "selected" in given]
    return f" {', '.join(chosen or [label for _, label in options[:1] if not several])} "


def _attributes(tag: str) -> dict[str, str]:
    found = ATTRIBUTE.findall(tag.partition(">")[0] if '"' not in tag and "'" not in tag else tag)
    return {name.lower(): html.unescape(value.strip("\"'")) for name, value in found[1:]}


def _replaced(page: str, opened: re.Pattern[str], closer: str, written: Callable[[str, str], str]) -> str:
    """Write anew each element that an opening tag begins, up to its end."""
    parts, at = [], 0
    closing = re.compile(re.escape(closer), re.IGNORECASE)
    while tag := opened.search(page, at):
        end = closing.search(page, tag.end())
        if not end:
            break
        parts += [page[at : tag.start()], written(tag[0], page[tag.end() : end.start()])]
        at = end.end()
    return "".join([*parts, page[at:]])


def _hidden(page: str) -> str:
    """Mark as hidden what a rule for one class or one id of the page's own style does not display."""
    sheets: list[str] = []

    def read(tag: str, sheet: str) -> str:
        sheets.append("" if "media" in tag else sheet)
        return ""

    _replaced(page, STYLE, "</style>", read)
    names = _unshown("\n".join(sheets))
    if not names:
        return page

    def marked(tag: re.Match[str]) -> str:
        given = _attributes(f"x {tag[2]}")
        own = [("." + name) for name in given.get("class", "").split()] + ["#" + given.get("id", "")]
        hidden = any(name in names or tag[1].lower() + name in names for name in own)
        return f"<{tag[1]} hidden{tag[2]}" if hidden else tag[0]

    return NAMED.sub(marked, page)


def _unshown(sheet: str) -> set[str]:
    """Name the selectors that are hidden, and that no other rule shows."""
    hidden, shown = set(), set()
    for selectors, body in _rules(CSS_COMMENT.sub("", sheet)):
        if display := DISPLAY.search(body):
            off = display[1].lower() in ("none", "hidden")
            for selector in selectors.split(","):
                simple = SIMPLE.fullmatch(selector.strip())
                if off and simple:
                    hidden.add((simple[1] or "").lower() + simple[2] + simple[3])
                elif not off:
                    shown |= {kind + name for _, kind, name in SIMPLE.findall(selector)}
    return {name for name in hidden if name[min(at for at in map(name.find, ".#") if at >= 0) :] not in shown}


def _rules(sheet: str) -> Iterator[tuple[str, str]]:
    """Give the rules that hold everywhere: not those for print, or for narrow screens."""
    depth, at = 0, 0
    for brace in re.finditer(r"[{}]", sheet):
        if brace[0] == "{":
            depth += 1
        elif depth:
            depth -= 1
            if not depth:
                if (rule := RULE.fullmatch(sheet[at : brace.end()].strip())) and "@" not in rule[1]:
                    yield rule[1], rule[2]
                at = brace.end()
