"""HTML as Markdown, without scripts, styles, comments, images and what is hidden."""

import html
import re

from docmill.schemas.errors import Unreadable
from docmill.tasks.sources.parsing.html import page as pages
from docmill.tasks.sources.parsing.missed import Missed, Why
from docmill.tasks.sources.parsing.reasons import Reason

HEAD_CHARS = 4096
TITLE = re.compile(r"<title\b[^>]*>([^<]+)", re.IGNORECASE)
MAX_DEPTH = 256
PADDING = re.compile(r"^\|.*\|$", re.MULTILINE)  # a table's row: aligned for the eye, paid for in tokens


def markdown_of(page: str, missed: Missed | None = None) -> str:
    """Write HTML as Markdown, its title first; raises Unreadable where it is nested too deeply."""
    import html_to_markdown as markdown

    options = markdown.ConversionOptions(
        extract_metadata=False,
        skip_images=True,
        max_depth=MAX_DEPTH,
        preprocessing=markdown.PreprocessingOptions(enabled=False),  # it would drop forms with their text
    )
    page = pages.as_shown(page)
    if missed is not None and pages.has_frames(page):
        missed.add("frames of the page", Why.ELSEWHERE)
    try:
        converted = markdown.convert(page, options)
    except markdown.ConversionError:
        raise Unreadable(Reason.DAMAGED) from None
    if any(warning.kind == markdown.WarningKind.DEPTH_LIMIT_EXCEEDED for warning in converted.warnings):
        raise Unreadable(Reason.NESTED)
    text = PADDING.sub(
        lambda row: re.sub(r" {2,}", " ", re.sub("-{4,}", "---", row[0])), converted.content or ""
    )
    title = TITLE.search(page[:HEAD_CHARS])
    heading = " ".join(html.unescape(title[1]).split()) if title else ""
    return text if heading in text else f"{heading}\n\n{text}"
