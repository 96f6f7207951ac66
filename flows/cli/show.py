"""`docmill show`: the requests of a document, and the replies that the cache holds for them."""

import asyncio
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from docmill.flows.cli.options import Documents, EndpointName, Json, Model, PipelineName
from docmill.flows.cli.output import fail, print_json, printable
from docmill.flows.pipeline.file import load, pipeline_file
from docmill.flows.pipeline.options import RunOptions
from docmill.flows.pipeline.plan import Plan, resolve
from docmill.schemas.decision import Decision
from docmill.schemas.document import Document
from docmill.schemas.errors import ConfigError, DocmillError, Unreadable
from docmill.tasks.sinks.decisions import ReviewedResults

if TYPE_CHECKING:  # Prefect takes seconds to import: not before the pipeline is known to be right
    from docmill.flows.run.replay import Asked, Shown

DocumentId = Annotated[
    str | None, Parameter(help="A document's id; the first of the source by default", show_default=False)
]
StepName = Annotated[str | None, Parameter(help="Only the requests of this step")]


def show(
    pipeline: PipelineName,
    document: DocumentId = None,
    /,
    *,
    step: StepName = None,
    documents: Documents = None,
    endpoint: EndpointName = None,
    model: Model = None,
    json: Json = False,
) -> int:
    """Print the requests of a document as they are sent, and the replies that the cache holds, as they came.

    Nothing is sent and nothing is written. A request that depends on a reply that is not in the cache is
    not known. Exit code 1 where the document cannot be read.
    """
    named = (document,) if document is not None else ()
    options = RunOptions(documents=documents, endpoint=endpoint, model=model, document=named)
    plan = resolve(load(pipeline_file(pipeline)), options)
    if step is not None and step not in (declared := [each.id for each in plan.steps]):
        raise ConfigError(f"--step: there is no step {step!r}; there are {', '.join(declared)}")
    try:
        read = _read(plan)
    except Unreadable as error:
        fail(error)
        return 1
    from docmill.flows.run.replay import replayed

    kept = known(plan, read)
    found = asyncio.run(replayed(plan, read, kept.decisions))
    shown = [each for each in found if step in (None, each.step.id)]
    if json:
        steps = [_step(each) | kept.as_json(each.step.id) for each in shown]
        print_json({"document": read.document_id, "steps": steps})
        return 0
    print_steps(read, shown, kept)
    return 0


def _read(plan: Plan) -> Document:
    """Read the document, or the first of the source; raises Unreadable."""
    with plan.source.opened() as refs:
        ref = next(refs, None)
        if ref is None:
            raise ConfigError(plan.source.nothing())
        return ref.read()


@dataclass(frozen=True)
class Known:
    """What the results hold of a document: its decisions, and of each step the replies that would not do."""

    decisions: Sequence[Decision] = ()
    rejected: Mapping[str, Sequence[str]] = field(default_factory=dict)
    invalid: Mapping[str, str] = field(default_factory=dict)

    def replies(self, step: str) -> Iterator[tuple[str, str]]:
        """Give what a step was answered and did not take, each with what it is called."""
        for number, said in enumerate(self.rejected.get(step, ()), start=1):
            yield f"rejected reply {number}", said
        if invalid := self.invalid.get(step):
            yield "the invalid reply", invalid

    def as_json(self, step: str) -> dict[str, Any]:
        """Write them for scripts; nothing where there are none."""
        rejected, invalid = self.rejected.get(step), self.invalid.get(step)
        told = {"rejected_replies": rejected, "invalid_reply": invalid}
        return {name: value for name, value in told.items() if value}


def known(plan: Plan, document: Document) -> Known:
    """Read what the results hold of a document; nothing where there are none."""
    with suppress(DocmillError):
        results = ReviewedResults.read(plan.into, plan.name)
        try:
            steps = results.outcome(document.document_id)["steps"]
            own = results.decisions([document.document_id]) if results.has_decisions() else {}
        finally:
            results.close()
        content = document.content_sha256
        return Known(
            [each for each in own.get(document.document_id, ()) if each.content_sha256 == content],
            {name: step["rejected"] for name, step in steps.items() if step.get("rejected")},
            {name: step["reply"] for name, step in steps.items() if step.get("reply")},
        )
    return Known()


def _step(shown: "Shown") -> dict[str, Any]:
    requests = [
        {
            "request": asked.body.decode(),
            "key": asked.key,
            "completion": asked.completion.model_dump() if asked.completion else None,
        }
        for asked in shown.asked
    ]
    return {"step": shown.step.id, "requests": requests, "why": shown.why}


def print_steps(document: Document, steps: "list[Shown]", kept: Known) -> None:
    """Print bodies and replies as they are; only a terminal is protected from them."""
    _write(f"document {document.document_id}")
    for shown in steps:
        for number, asked in enumerate(shown.asked, start=1):
            _write(f"\n==> {shown.step.id}, request {number}, {len(asked.body):,} bytes, {asked.key} <==")
            _write(asked.body.decode())
            _write(f"\n==> {shown.step.id}, reply {number}: {_said(asked)} <==")
            if asked.completion:
                _write(asked.completion.text)
        if shown.why and not shown.asked:
            _write(f"\n==> {shown.step.id}: {shown.why} <==")
        for name, said in kept.replies(shown.step.id):
            _write(f"\n==> {shown.step.id}, {name} of the last run <==\n{said}")


def _said(asked: "Asked") -> str:
    """Say of a reply what it took, or that there is none."""
    if asked.completion is None:
        return "not in the cache"
    read, written = asked.completion.prompt_tokens, asked.completion.completion_tokens
    return f"{asked.completion.model or 'model not named'}, {read:,} tokens read, {written:,} written"


def _write(text: str) -> None:
    sys.stdout.write(f"{printable(text) if sys.stdout.isatty() else text}\n")
