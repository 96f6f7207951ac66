"""Word documents as Markdown, without images, macros and what they link to."""

import re
from collections.abc import Iterator
from io import BytesIO
from typing import Any
from xml.etree.ElementTree import Element, tostring
from zipfile import ZIP_STORED, ZipFile

from docmill.schemas.errors import Unreadable
from docmill.tasks.sources.encodings import decode
from docmill.tasks.sources.parsing.html.markdown import markdown_of
from docmill.tasks.sources.parsing.missed import Missed, Why
from docmill.tasks.sources.parsing.office import office_kind
from docmill.tasks.sources.parsing.package import Package, Relation
from docmill.tasks.sources.parsing.reasons import Reason
from docmill.tasks.sources.parsing.word.drawn import Drawn
from docmill.tasks.sources.parsing.word.listed import LABEL, label
from docmill.tasks.sources.parsing.word.numbering import numbering
from docmill.tasks.sources.parsing.word.styles import W, styles, switched
from docmill.tasks.sources.parsing.word.wording import Wording, counts_pages, paragraph

CHUNK = "\ufdd1"  # a character of no text
PLACE = re.compile(f"{CHUNK}(\\d{{1,4}}){CHUNK}")
PICTURES = (".png", ".jpg", ".jpeg", ".jpe", ".tif", ".tiff", ".webp", ".gif", ".bmp")
PAGES = (".htm", ".html", ".xhtml")
MAX_DEPTH = 3  # of documents within documents
NOTES = ("footnotes", "endnotes")
READ = (*NOTES, "styles", "numbering")  # parts that the converter needs


def text(content: bytes, missed: Missed, depth: int = 0) -> str:
    """Give a document as Markdown: its headers first, its footers last."""
    import mammoth

    word = _Document(content, missed, depth)
    page = mammoth.convert_to_html(
        BytesIO(word.rewritten()),
        convert_image=_nothing,
        include_embedded_style_map=False,
        external_file_access=False,
    )
    return PLACE.sub(word.chunk, markdown_of(page.value).replace(LABEL, ""))


class _Document:
    def __init__(self, content: bytes, missed: Missed, depth: int) -> None:
        self._package = Package(content)
        self._missed = missed
        self._depth = depth
        self._main = self._package.main("word/document.xml")
        self._relations = self._package.relations(self._main)
        self._styles = styles(self._tree("styles"))
        self._chunks: list[str] = []

    def rewritten(self) -> bytes:
        """Write the parts that the converter needs, as Word shows them."""
        root = self._package.tree(self._main)
        if root is None:
            raise Unreadable(Reason.DAMAGED)
        parts = dict(self._others())
        self._wording(self._relations, self._missed).rewrite(root)
        label(root, numbering(self._tree("numbering"), self._styles), self._styles)
        if (body := root.find(W + "body")) is not None:
            body[:] = [*self._margins(body, "header"), *body, *self._margins(body, "footer")]
        parts[self._main] = tostring(root)
        buffer = BytesIO()
        with ZipFile(buffer, "w", ZIP_STORED) as archive:
            for name, part in parts.items():
                archive.writestr(name, part)
        return buffer.getvalue()

    def _others(self) -> Iterator[tuple[str, bytes]]:
        folder, _, name = self._main.rpartition("/")
        wanted = [each for each in self._relations.values() if each.kind in READ]
        rels = [
            f"{folder}/_rels/{each.target.rpartition('/')[2]}.rels" for each in wanted if each.kind in NOTES
        ]
        for part in ("[Content_Types].xml", "_rels/.rels", f"{folder}/_rels/{name}.rels", *rels):
            if (content := self._package.content(part)) is not None:
                yield part, content
        for relation in wanted:
            if relation.kind not in NOTES:
                if (content := self._package.content(relation.target)) is not None:
                    yield relation.target, content
            elif (tree := self._package.tree(relation.target)) is not None:
                self._wording(self._package.relations(relation.target), self._missed).rewrite(tree)
                yield relation.target, tostring(tree)

    def _tree(self, kind: str) -> Element | None:
        found = next((each.target for each in self._relations.values() if each.kind == kind), None)
        return None if found is None else self._package.tree(found)

    def _wording(self, relations: dict[str, Relation], missed: Missed | None) -> Wording:
        drawn = Drawn(self._package, relations, missed)
        return Wording(self._styles, drawn, lambda key: self._placed(relations.get(key)))

    def _placed(self, relation: Relation | None) -> Element:
        """Hold the place of a part in another format; its text comes there at the end."""
        self._chunks.append(relation.target if relation else "")
        return paragraph(f"{CHUNK}{len(self._chunks) - 1}{CHUNK}")

    def chunk(self, place: re.Match[str]) -> str:
        """Give the text of a part in another format, once."""
        at = int(place[1])
        part, self._chunks[at] = (self._chunks[at], "") if at < len(self._chunks) else ("", "")
        content = self._package.content(part) if part else None
        if content is None:
            return ""
        try:
            return self._chunk(part.lower(), content).strip()
        except Unreadable:
            self._missed.add(f"part {part}", Why.DAMAGED)
            return ""

    def _chunk(self, part: str, content: bytes) -> str:
        if part.endswith(PAGES):
            return markdown_of(decode(content), self._missed)
        if part.endswith(PICTURES):
            return self._missed.picture(f"picture {part.rpartition('/')[2]}", content)
        if part.endswith(".txt"):
            return decode(content)
        if part.endswith(".docx") and self._depth < MAX_DEPTH and office_kind(content) == "docx":
            return text(content, self._missed, self._depth + 1)
        self._missed.add(f"part {part}", Why.KIND)
        return ""

    def _margins(self, body: Element, kind: str) -> Iterator[Element]:
        """Give the paragraphs of headers or footers, each text once, but for mere page numbers."""
        seen: set[str] = set()
        for part in self._margin_parts(body, kind):
            tree = self._package.tree(part)
            if tree is None:
                continue
            counting = {id(each) for each in tree.iter(W + "p") if counts_pages(each)}
            for parent in list(tree.iter()):
                parent[:] = [child for child in parent if id(child) not in counting]
            self._wording(self._package.relations(part), None).rewrite(tree)
            for link in tree.iter(W + "hyperlink"):
                link.attrib.pop(Drawn.ID, None)  # its address is among another part's relations
            words = "\n".join("".join(block.itertext()) for block in tree)
            if words.strip() and words not in seen:
                seen.add(words)
                yield from tree

    def _margin_parts(self, body: Element, kind: str) -> Iterator[str]:
        for section in body.iter(W + "sectPr"):
            for reference in section.findall(f"{W}{kind}Reference"):
                shown = reference.get(W + "type") != "first" or switched(section, "titlePg")
                relation = self._relations.get(reference.get(Drawn.ID, ""))
                if shown and relation:
                    yield relation.target


def _nothing(_image: Any) -> list[Any]:  # mammoth is untyped
    return []
