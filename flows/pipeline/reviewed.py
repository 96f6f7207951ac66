"""Examples of reviews: documents that people brought to done are shown to a step, always the same ones."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from docmill.flows.pipeline.checked import CheckedPipeline
from docmill.flows.pipeline.examples import example_faults
from docmill.flows.pipeline.graph import Step, steps
from docmill.schemas.document import Document
from docmill.schemas.errors import DocmillError
from docmill.schemas.example import Example
from docmill.schemas.pipeline import Into
from docmill.schemas.steps import DOCUMENT, kind_and_options
from docmill.tasks.checks.request import BYTES_PER_TOKEN
from docmill.tasks.sinks.examples import Chosen, Reviewed, Reviews, reviews
from docmill.tasks.sources.confining import confined
from docmill.tasks.sources.source import DocumentRef, Source
from docmill.tasks.steps.prompt import beginning

MOST_TOKENS = 4_000  # of one example's document
LOOKED_AT = 4  # documents for each example that is wanted: some are too long, or gone
Labels = Mapping[tuple[str, str | None], str]


def with_reviews(
    checked: CheckedPipeline,
    ends: Callable[[], tuple[Source, Into]],
    below: tuple[Path, ...] | None,
    *,
    as_kept: bool = False,
) -> tuple[CheckedPipeline, tuple[Chosen, ...]]:
    """Add examples of reviews to the steps that ask for some; gives those that were chosen beside.

    What was chosen before stays as long as nothing of it is decided again; what is lacking comes of the
    documents that people brought to done, in the order of their hashes. `ends` gives the pipeline's own
    source, of which nothing outside of the folders `below` is read, and its results. With `as_kept` they
    are those that the last run has kept. Raises ConfigError where these cannot be read.
    """
    asking = {name: step for name, step in steps(checked.pipeline).items() if _number(step)}
    if not asking:
        return checked, ()
    source, into = ends()
    with reviews(into, checked.pipeline.name) as found:
        if found is None:
            return checked, ()
        choosing = _Choosing(checked, source if below is None else confined(source, below), found)
        choose = choosing.kept if as_kept else choosing.examples
        chosen = {name: choose(name, step) for name, step in asking.items()}
    changed = []
    for name, step in zip(steps(checked.pipeline), checked.pipeline.steps, strict=True):
        kind, options = kind_and_options(step)
        shown = (*options.examples, *(each.example for each in chosen.get(name, ())))
        with_them = options.model_copy(update={"examples": shown})
        changed.append(step.model_copy(update={kind: with_them}) if name in asking else step)
    pipeline = checked.pipeline.model_copy(update={"steps": tuple(changed)})
    return replace(checked, pipeline=pipeline), tuple(each for of in chosen.values() for each in of)


@dataclass(frozen=True)
class _Choosing:
    """Chooses examples for the steps of a pipeline."""

    checked: CheckedPipeline
    source: Source
    reviews: Reviews

    def examples(self, name: str, step: Step) -> list[Chosen]:
        """Choose the examples of a step: those of before, and as many more as are lacking."""
        wanted = _number(step)
        labels = None if step[1].labels(step[2]) is None else self.reviews.labels(name)
        ranked = _of_step(self.reviews.chosen(), name, step)
        fit = (each for each in ranked if self._fits(each.example, step))
        chosen = [each for each in fit if _is_decided(labels, each.of, each.example)][:wanted]
        known = {each.of.document_id for each in chosen}
        documents = self.reviews.documents()
        others = [each for each in documents if each.document_id not in known and _is_decided(labels, each)]
        lacking = wanted - len(chosen)
        if lacking and others:
            made = self._made(name, step, others[: LOOKED_AT * lacking])
            chosen += [each for each, _ in zip(made, range(lacking), strict=False)]
        return sorted(chosen, key=lambda each: each.of.rank)

    def kept(self, name: str, step: Step) -> list[Chosen]:
        """Give the examples of a step that are kept, whatever was decided since."""
        return _of_step(self.reviews.kept(), name, step)

    def _made(self, name: str, step: Step, documents: Sequence[Reviewed]) -> Iterator[Chosen]:
        outcomes, options = self.reviews.outcomes(documents), step[2]
        texts = self._texts(documents) if options.input == DOCUMENT else None
        for each in documents:
            told = outcomes[each.document_id]["steps"]
            outputs: dict[str, Any] = {step_id: of["output"] for step_id, of in told.items()}
            text = texts.get(each.document_id) if texts is not None else outputs.get(options.input)
            example = _example(name, step, outputs, text) if isinstance(text, str) else None
            if example and self._fits(example, step):
                yield Chosen(name, options.input, each, example)

    def _fits(self, example: Example, step: Step) -> bool:
        _, acts, options = step
        return not any(True for _ in example_faults(example, acts, options, self.checked.tools))

    def _texts(self, documents: Sequence[Reviewed]) -> dict[str, str]:
        """Read documents of the source again, where they are as they were decided."""
        wanted = {each.document_id: each.content_sha256 for each in documents}
        texts: dict[str, str] = {}
        try:
            with self.source.opened() as refs:
                for ref in refs:
                    if sha256 := wanted.pop(ref.document_id, None):
                        document = _read(ref)
                        if document and document.content_sha256 == sha256:
                            texts[ref.document_id] = document.text
                    if not wanted:
                        break
        except DocmillError:  # which the run tells; without a source it has no documents either
            return {}
        return texts


def _of_step(chosen: Iterable[Chosen], name: str, step: Step) -> list[Chosen]:
    """Give those of a step that reads the same still, in the order of their hashes."""
    own = (each for each in chosen if (each.step, each.reads) == (name, step[2].input))
    return sorted(own, key=lambda each: each.of.rank)


def _is_decided(labels: Labels | None, of: Reviewed, example: Example | None = None) -> bool:
    """Say whether a person has decided the label of a document, as an example has it; of records all are."""
    if labels is None:
        return True
    label = labels.get((of.document_id, of.content_sha256))
    return label is not None and (example is None or example.label == label)


def _number(step: Step) -> int:
    return getattr(step[2], "examples_from_reviews", None) or 0


def _read(ref: DocumentRef) -> Document | None:
    try:
        return ref.read()
    except DocmillError:
        return None


def _example(name: str, step: Step, outputs: Mapping[str, Any], text: str) -> Example | None:
    """Make an example of a document; a record's is whole: what the record says has to stand there."""
    _, acts, options = step
    answer, chosen = acts.answer(options), acts.chosen_by(options)
    most = min(options.max_input_tokens or MOST_TOKENS, MOST_TOKENS)
    if answer == "record" and len(text.encode()) > most * BYTES_PER_TOKEN:
        return None
    told = {"document": beginning(text, most), answer: outputs.get(name)}
    try:
        return Example.model_validate({**told, "label": outputs.get(chosen[0])} if chosen else told)
    except ValidationError:  # it has another answer, or none
        return None
