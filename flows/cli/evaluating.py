"""One pipeline's stored results, evaluated for the command line."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from docmill.flows.cli.results import stored
from docmill.flows.evaluate import kept
from docmill.flows.evaluate.contributed import Contribution, contributions, tally_of
from docmill.flows.evaluate.difference import Difference, difference
from docmill.flows.evaluate.evaluation import Evaluation, Evaluator
from docmill.flows.evaluate.fields import of_schemas
from docmill.flows.evaluate.gate import below, worse
from docmill.flows.evaluate.labels import jsonl
from docmill.flows.evaluate.labels.reviews import Reviews
from docmill.flows.evaluate.labels.source import Source, named
from docmill.flows.pipeline.checked import CheckedPipeline
from docmill.flows.pipeline.ends import evaluate_of, into_of
from docmill.flows.pipeline.options import RunOptions
from docmill.flows.pipeline.tables import typed_schemas
from docmill.schemas.errors import ConfigError
from docmill.schemas.evaluate import REVIEWS, Evaluate, LabelsQuery
from docmill.schemas.outcome import Tally
from docmill.tasks.sinks.results import Results

ACCEPTED = "accepted"
EXPORTED = ("document_id", "status", "label", "record")  # what is read of an exported outcome


@dataclass(frozen=True)
class Judged:
    """A pipeline's evaluation: what its labelled documents cost, and the minutes of the runs that made them.

    `key` tells its results from another pipeline's. `models` is what each of several contributed.
    """

    name: str
    model: str
    key: tuple[str, str]
    found: Evaluation
    cost: Tally
    minutes: float
    models: dict[str, Contribution] = field(default_factory=dict)
    since: Difference | None = None
    reasons: list[str] = field(default_factory=list)


class Subject:
    """A pipeline's results, open, with its labels."""

    def __init__(self, checked: CheckedPipeline, results: Results, source: Source, asked: Evaluate) -> None:
        self.asked = asked
        self.source = source
        self._name = checked.pipeline.name
        self._results = results
        self._labels = named(source)
        names = dict.fromkeys(name for _, _, name in typed_schemas(checked.pipeline))
        fields = of_schemas(checked.tools[name].parameters for name in names)
        self._evaluator = Evaluator.of(source, fields, asked.compare)

    def judged(self, name: str, against: str | None) -> Judged:
        """Evaluate, beside an earlier evaluation where one is named."""
        outcomes = [*self._results.outcomes_of(self._evaluator.asked_of)]
        found = self._evaluator.evaluate(outcomes)
        runs = [run for each in {row["run_id"] for row in outcomes} if (run := self._results.run(each))]
        took = [run["ended_at"] - run["started_at"] for run in runs if run["ended_at"]]
        return Judged(
            name=name,
            model=", ".join(sorted({run["model"] for run in runs})),
            key=(self._results.url, self._name),
            found=found,
            cost=sum((tally_of(row) for row in outcomes), Tally()),
            models=contributions(found, outcomes),
            minutes=sum(each.total_seconds() for each in took) / 60,
            since=difference(self._earlier(against), found) if against else None,
        )

    def reasons(self, found: Evaluation, *, is_accepted: bool) -> Iterator[str]:
        """Say why results are not good enough, by what is asked of them."""
        yield from below(found, self.asked.min_label, self.asked.min_field)
        if self.asked.no_worse_than and not is_accepted:
            yield from worse(kept.since(self._results.evaluations.accepted(), found))

    def accept(self, found: Evaluation) -> None:
        """Keep an evaluation as the one that later ones are held against."""
        run = self._results.last_run()
        assert run is not None  # there are results
        self._results.evaluations.keep(run["run_id"], self._labels, kept.figures(found), accepted=True)

    def _earlier(self, against: str) -> Evaluation:
        """Find what `--against` names: the evaluation that was accepted, a run's, or exported outcomes."""
        if Path(against).is_file():
            return self._evaluator.evaluate(
                _exported(place, row) for place, row in jsonl.objects(Path(against))
            )
        kept_ones = self._results.evaluations
        row = kept_ones.accepted() if against == ACCEPTED else kept_ones.of_run(against)
        if row is not None:
            return kept.evaluation(row)
        if against == ACCEPTED:
            raise ConfigError("--against accepted: nothing is accepted yet: `--accept` keeps these figures")
        raise ConfigError(
            f"--against: there is no file {against!r}, and no evaluation of such a run in "
            f"{self._results.url}: one is kept at the end of each run where the pipeline has `evaluate`, "
            "and by `--accept`"
        )


@contextmanager
def opened(
    pipeline: str, into: str | None, source: Source | Literal["reviews"] | None, least: float | None
) -> Iterator[Subject]:
    """Open a pipeline's results with its labels; `source` and `least` replace what it declares itself.

    `reviews` are the decisions in these results. Raises ConfigError where there are no results, or no labels.
    """
    with stored(pipeline, into) as (checked, results):
        declared = evaluate_of(checked.pipeline)
        if source is None and declared is None:
            raise ConfigError(
                f"--labels: name a file of labels, or write `evaluate: {{labels: FILE}}` into {pipeline}"
            )
        asked = declared or Evaluate(labels="-")
        if least is not None:
            asked = asked.model_copy(update={"min_label": least})
        where, name = into_of(checked.pipeline, RunOptions(into=into)), checked.pipeline.name
        own = Reviews(where, name) if source == REVIEWS else source
        yield Subject(checked, results, own or kept.source_of(asked, where, name), asked)


def source_of(labels: str | None, query: str | None) -> Source | Literal["reviews"] | None:
    """Read where labels are, as the options say; raises ConfigError."""
    if labels is None:
        if query is not None:
            raise ConfigError("--query: name its database: --labels URL")
        return None
    if labels == REVIEWS and query is None:
        return REVIEWS
    if "://" not in labels:
        if query is not None:
            raise ConfigError(f"--query: --labels {labels} is a file, and no database's URL")
        return Path(labels)
    if query is None:
        raise ConfigError("--labels: say which rows of the database: --query 'select document, label from …'")
    return LabelsQuery.model_construct(url=labels, query=query)  # its password may stand on a command line


def _exported(place: str, row: dict[str, Any]) -> dict[str, Any]:
    if missing := [name for name in EXPORTED if name not in row]:
        raise ConfigError(f"{place}: not an outcome of `docmill export --to jsonl`: it has no {missing[0]}")
    return row
