"""For `docmill text`: files divided as a pipeline's runs have done it, or as its cache has the replies."""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from docmill.flows.pipeline.ends import ends
from docmill.flows.pipeline.file import load, pipeline_file
from docmill.flows.pipeline.options import RunOptions
from docmill.flows.pipeline.plan import Plan, resolve
from docmill.schemas.document import Document
from docmill.schemas.errors import ConfigError, DocmillError
from docmill.tasks.sources.bundles import Bundles, Known
from docmill.tasks.sources.divided import Undivided
from docmill.tasks.sources.source import DocumentRef

if TYPE_CHECKING:  # Prefect takes seconds to import
    from docmill.flows.plan.dividing import Divided

UNKNOWN = "its pages may be of several documents: no run has looked at them"


@dataclass(frozen=True)
class _Read:
    """A document that was read to divide its file."""

    document: Document

    @property
    def document_id(self) -> str:
        return self.document.document_id

    @property
    def uri(self) -> str:
        return self.document.uri

    def sha256(self) -> str | None:
        return self.document.content_sha256

    def read(self) -> Document:
        return self.document


def dividing(pipeline: str) -> tuple[Plan, Known]:
    """Give a pipeline's plan and what its runs know of files; raises ConfigError where it divides none."""
    plan = resolve(load(pipeline_file(pipeline)))
    source, _ = ends(plan.declared.pipeline, RunOptions())  # as runs have done it, whichever model was asked
    if not isinstance(source, Bundles) or source.known is None:
        raise ConfigError(f"--pipeline: {pipeline} divides no files: it has no `split`")
    return plan, source.known


def divided(plan: Plan, refs: Iterator[DocumentRef], tell: Callable[[str], None]) -> Iterator[DocumentRef]:
    """Give the documents of files that no run has divided, as far as that is known without a call."""
    for ref in refs:
        if not isinstance(ref, Undivided):
            yield ref
            continue
        try:
            found = _divided(plan, ref)
        except DocmillError:
            yield ref  # its reading says why
            continue
        for document in found.open:
            tell(f"{document.document_id}: {UNKNOWN}")
        yield from map(_Read, [*(document for _, document in found.parts), *found.open])


def _divided(plan: Plan, ref: Undivided) -> "Divided":
    from docmill.flows.plan.dividing import divided as looked_into  # it asks Prefect's cache
    from docmill.flows.plan.requests import Known as Asked

    with ThreadPoolExecutor(1) as readers:
        return asyncio.run(looked_into(plan, Asked(refresh=False), ref, readers))
