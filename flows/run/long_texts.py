"""A text that is too long for one request: asked for in parts, and one answer made of theirs."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from docmill.flows.run.answer import Requests
from docmill.flows.run.held import Held
from docmill.flows.run.part_records import record_of_parts
from docmill.flows.run.together import bounded
from docmill.schemas.errors import Deferred, Unreadable
from docmill.schemas.steps import DOCUMENT, StepOptions
from docmill.schemas.tool import ToolSchema
from docmill.tasks.checks.parts.dividing import parts
from docmill.tasks.steps.long import SEPARATOR, part_options, room, size, together_options

MOST_BEFORE = 20  # task runs that a request of their answers is shown to follow


async def by_parts(requests: Requests, text: str, tool: ToolSchema | None) -> Held | None:
    """Give what a step puts out of a long text; None where it reads the text as a whole."""
    acts, options = requests.acts, requests.step.options
    if options.long != "parts" or size(text) <= _room(requests, options, tool):
        return None
    match acts.in_parts(options):
        case "first":
            return await _of_the_first(requests, text, tool)
        case "reduced":
            return await _reduced(requests, text)
        case "merged":
            assert tool is not None  # a record has a schema
            return await record_of_parts(requests, text, tool)


async def _of_the_first(requests: Requests, text: str, tool: ToolSchema | None) -> Held:
    """Ask the first parts, and take what most of them say; of as many what is said first."""
    options = part_options(requests.acts, requests.step.options)
    pieces = await _pieces(requests, text, options, tool)
    asked = pieces[: requests.acts.first_parts(requests.step.options)]
    said = await _answers(requests, asked, options, tool)
    return Held(max(said, key=said.count), truncated=len(asked) < len(pieces))


async def _reduced(requests: Requests, text: str) -> Held:
    """Ask each part, and one answer of theirs, in as many levels as that takes."""
    of_part = part_options(requests.acts, requests.step.options)
    together = together_options(requests.acts, requests.step.options)
    most = _room(requests, together, None)
    answers = await _to_be_reduced(requests, await _pieces(requests, text, of_part, None), of_part)
    while size(said := SEPARATOR.join(answers)) > most:
        pieces = await _pieces(requests, said, together, None)
        if len(pieces) >= len(answers):
            raise Unreadable(
                f"too long: the answers of its {len(answers):,} parts do not fit into one request. "
                "Have them shorter, or give the step a larger max_input_tokens"
            )
        answers = await _to_be_reduced(requests, pieces, together)
    [answer] = await _answers(requests, [said], together, None)
    return Held(answer)


async def _to_be_reduced(requests: Requests, pieces: Sequence[str], options: StepOptions) -> list[Any]:
    """Ask each piece; where answers are not known yet, what will be made of them is foreseen."""
    try:
        return await _answers(requests, pieces, options, None)
    except Deferred:
        together = together_options(requests.acts, requests.step.options)
        empty = requests.acts.request("", together, None, requests.target)
        requests.foreseen(empty, len(pieces), _room(requests, together, None))
        raise


async def _pieces(
    requests: Requests, text: str, options: StepOptions, tool: ToolSchema | None
) -> Sequence[str]:
    """Cut a text so that each piece fits into one request."""
    most = _room(requests, options, tool)
    document = requests.basis.document
    is_document = text is document.text and requests.step.options.input == DOCUMENT
    pages = document.page_starts if is_document else ()
    found = await requests.computed(len(text), lambda: parts(text, most, size, pages, overlap=False))
    return [text[each.own : each.end] for each in found]


async def _answers(
    requests: Requests, pieces: Sequence[str], options: StepOptions, tool: ToolSchema | None
) -> list[Any]:
    """Ask of each piece what the step asks, several at the same time."""
    after = requests.states[-MOST_BEFORE:]

    async def answer(piece: str) -> Any:
        body = requests.acts.request(piece, options, tool, requests.target)
        return requests.acts.read(await requests.completion(body, tool, after), options)

    makers = [partial(answer, each) for each in pieces]
    return await bounded(requests.plan.concurrency, makers, to_the_end=not requests.sends)


def _room(requests: Requests, options: StepOptions, tool: ToolSchema | None) -> int:
    return room(requests.acts, options, tool, requests.target, requests.step.options.max_input_tokens)
