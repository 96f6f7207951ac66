"""What a file holds, as far as the cache has the replies about its pages; what is not known is bounded."""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor
from dataclasses import dataclass, field

from docmill.flows.pipeline.plan import Plan
from docmill.flows.plan.amounts import Amounts, added, either
from docmill.flows.plan.requests import Known, Planned
from docmill.flows.run.basis import Basis
from docmill.flows.run.boundaries import boundaries, is_divisible, legible_pages, parted
from docmill.schemas.bundle import SPLIT
from docmill.schemas.document import Document
from docmill.schemas.errors import Deferred, StorageError
from docmill.tasks.checks.boundaries import Stretch
from docmill.tasks.sources.divided import PartRef, Undivided
from docmill.tasks.sources.slices import pages

UNKNOWN = (
    "a file of several pages is one document at least, and one a page at most: no model has looked at it"
)


@dataclass
class Divided:
    """The documents that a file holds; `open` are those whose pages may be of several documents.

    `unreadable` counts those that cannot be read, `asked` is what it takes to divide the file.
    """

    parts: list[tuple[PartRef, Document]] = field(default_factory=list)
    open: list[Document] = field(default_factory=list)
    unreadable: int = 0
    asked: Amounts = field(default_factory=dict)

    def documents(self) -> int:
        """Count the documents, of open ones one."""
        return len(self.parts) + len(self.open) + self.unreadable

    def more(self) -> int:
        """Say how many documents more there may be."""
        return sum(len(legible_pages(each)) - 1 for each in self.open)


async def divided(plan: Plan, known: Known, ref: Undivided, readers: Executor) -> Divided:
    """Look into a file; raises what a run would make a failed document of."""
    loop, found, made = asyncio.get_running_loop(), Divided(), list[Planned]()
    for part in await loop.run_in_executor(readers, ref.parts):
        own = ref.part(part)
        try:
            document = await loop.run_in_executor(readers, own.read)
            if not is_divisible(document):
                found.parts.append((own, document))
                continue
            named = document.model_copy(update={"document_id": ref.document_id})
            ends = await _boundaries(plan, known, named, made)
        except StorageError:
            raise
        except Deferred:
            found.open.append(document)
            continue
        except Exception:  # noqa: BLE001  whatever it is, a run makes it a failed document
            found.unreadable += 1
            continue
        refs = (ref.part(each) for each in parted(part, ends))
        found.parts += [(each, each.of(document)) for each in refs]
    found.asked = added({(SPLIT, each.model): each.calls} for each in made)
    return found


async def _boundaries(plan: Plan, known: Known, document: Document, made: list[Planned]) -> list[Stretch]:
    step = plan.split
    assert step is not None  # else no file is listed as undivided

    def asking(page: Basis, model: str) -> Planned:
        made.append(Planned(plan, page, step, model, known=known))
        return made[-1]

    return await boundaries(step, document, asking, lambda _: False, plan.concurrency, to_the_end=True)


async def perhaps(document: Document, asked: Callable[[Document], Awaitable[Amounts]]) -> Amounts:
    """Count what a file asks whose pages are one document, or one each."""
    single = [pages(document, number, number) for number in legible_pages(document)]
    return either([(0.5, await asked(document)), (0.5, added([await asked(each) for each in single]))])
