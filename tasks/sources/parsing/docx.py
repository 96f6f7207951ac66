"""Word documents as Markdown, without images, macros and what they link to."""

from io import BytesIO
from typing import Any

from docmill.tasks.sources.parsing.markdown import markdown_of
from docmill.tasks.sources.parsing.missed import Missed


def text(content: bytes, missed: Missed) -> str:
    """Give a document's headings, paragraphs, lists and tables as Markdown."""
    import mammoth

    page = mammoth.convert_to_html(
        BytesIO(content),
        convert_image=_nothing,
        include_embedded_style_map=False,
        external_file_access=False,
    )
    return markdown_of(page.value)


def _nothing(_image: Any) -> list[Any]:  # mammoth is untyped
    return []
