"""Where the documents of a file begin: each of its pages is asked about, as a run or a plan asks."""

from collections.abc import Callable
from functools import partial

from docmill.flows.pipeline.plan import StepPlan
from docmill.flows.run.answer import Requests
from docmill.flows.run.basis import Basis
from docmill.flows.run.held import Held
from docmill.flows.run.models import in_turn
from docmill.flows.run.together import bounded
from docmill.schemas.bundle import BundlePart
from docmill.schemas.document import Document
from docmill.schemas.errors import Unreadable
from docmill.tasks.checks.boundaries import Stretch, divided, unlike_whole
from docmill.tasks.checks.page_signs import Said
from docmill.tasks.sources.parsing.text import legible
from docmill.tasks.sources.slices import page_texts, pages

Asking = Callable[[Basis, str], Requests]  # of a page and a model


def is_divisible(document: Document) -> bool:
    """Say whether a document's pages may belong to several: two of them have a text."""
    return document.is_paged and len(legible_pages(document)) > 1


def legible_pages(document: Document) -> list[int]:
    """Number the pages that have a text."""
    return [number for number, text in enumerate(page_texts(document), 1) if legible(text)]


async def boundaries(
    step: StepPlan,
    document: Document,
    asking: Asking,
    is_closed: Callable[[str], bool],
    most: int,
    *,
    to_the_end: bool = False,
) -> list[Stretch]:
    """Give the first and last pages of a file's documents; asks about `most` pages at the same time.

    Once one fails no other is asked about, unless `to_the_end`. Raises what weighs most of the failures,
    and Unreadable where a page is in no document, or in two.
    """
    texts, numbers = page_texts(document), legible_pages(document)

    async def of_page(number: int) -> Said:
        basis = Basis(pages(document, number, number))

        async def reply_of(model: str) -> Held:
            requests = asking(basis, model)
            tool = requests.acts.tool(step.options, None)
            body = requests.body(basis.document.text, tool)
            return Held(requests.acts.read(await requests.completion(body, tool, []), step.options))

        answer = await in_turn(step, reply_of, is_closed)
        if answer.failure is not None:
            raise answer.failure
        said: Said = answer.held.record
        return said

    makers = [partial(of_page, number) for number in numbers]
    answers = await bounded(most, makers, to_the_end=to_the_end)
    said = dict(zip(numbers, answers, strict=True))
    found = divided(texts, [said.get(number) for number in range(1, len(texts) + 1)])
    if told := unlike_whole([(each.first, each.last) for each in found], len(texts)):
        raise Unreadable(told)
    return found


def parted(part: BundlePart, found: list[Stretch]) -> list[BundlePart]:
    """Give the documents of a file, or an attachment, whose pages are divided so."""
    if len(found) == 1:
        return [part.model_copy(update={"doubts": found[0].doubts})]
    return [
        part.model_copy(
            update={"name": f"{part.name}#pages={first}-{last}", "pages": (first, last), "doubts": doubts}
        )
        for first, last, doubts in found
    ]
