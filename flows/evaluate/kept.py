"""Evaluations as they are kept beside the results, and read again, also those of another version."""

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from docmill.flows.evaluate.difference import Difference, difference
from docmill.flows.evaluate.evaluation import Evaluation, Evaluator
from docmill.flows.evaluate.fields import of_schemas
from docmill.flows.evaluate.labels.reviews import Reviews
from docmill.flows.evaluate.labels.source import Source
from docmill.flows.pipeline.plan import Plan
from docmill.schemas.errors import ConfigError
from docmill.schemas.evaluate import REVIEWS, Evaluate
from docmill.schemas.pipeline import Into
from docmill.tasks.sinks.evaluations import Row


def source_of(declared: Evaluate, into: Into, pipeline: str) -> Source:
    """Give the source of a pipeline's labels; decisions are those in its own results."""
    if declared.labels == REVIEWS:
        return Reviews(into, pipeline)
    return Path(declared.labels) if isinstance(declared.labels, str) else declared.labels


def evaluator_of(plan: Plan) -> Evaluator | None:
    """Read a plan's labels, where it has any; raises ConfigError."""
    if plan.evaluate is None:
        return None
    fields = of_schemas(tool.parameters for tool in plan.typed().values())
    return Evaluator.of(source_of(plan.evaluate, plan.into, plan.name), fields, plan.evaluate.compare)


def figures(found: Evaluation) -> dict[str, Any]:
    """Write an evaluation to keep: its documents, of which all else is added up."""
    return found.model_dump(mode="json", exclude_defaults=True, include={"judgements", "labels_sha256"})


def evaluation(row: Row) -> Evaluation:
    """Read what was kept; raises ConfigError for what another version wrote otherwise."""
    try:
        read = Evaluation.model_validate(row["figures"])
    except ValidationError:
        raise ConfigError(
            f"the evaluation of run {row['run_id']} was kept by another version: evaluate and accept anew"
        ) from None
    return Evaluation.of(read.judgements, read.labels_sha256)


def since(row: Row | None, found: Evaluation) -> Difference | None:
    """Compare with what was kept, where anything was."""
    return difference(evaluation(row), found) if row else None
