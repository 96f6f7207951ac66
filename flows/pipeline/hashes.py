"""What stands for a pipeline and its steps in the results: hashes of whatever can change an outcome."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from docmill.schemas.endpoint import Target
from docmill.schemas.pipeline import Pipeline
from docmill.schemas.rule import Rule
from docmill.schemas.steps import StepOptions
from docmill.schemas.tool import ToolSchema
from docmill.tasks.steps import prompt
from docmill.tasks.steps.kind import kind

if TYPE_CHECKING:
    from docmill.flows.pipeline.plan import StepPlan

LATER_KEYS = {
    "instructions": None,
    "lists": "auto",
    "first": "document",
    "examples": (),
    "long": "fail",
    "parts": 1,
    "votes": None,
}


def unhashed(options: StepOptions) -> set[str]:
    """Name the keys that change no request, and those that came later where they are not used."""
    fields = type(options).model_fields
    defaults = {
        name: fields[name].get_default(call_default_factory=True) if name in fields else default
        for name, default in LATER_KEYS.items()
    }
    later = (name for name, default in defaults.items() if getattr(options, name, default) == default)
    return {"complete", "rules", "model", "examples_from_reviews", *later}  # those chosen are examples


def whole_sha256(
    pipeline: Pipeline,
    steps: "Sequence[StepPlan]",
    tools: Mapping[str, ToolSchema],
    split: "StepPlan | None" = None,
) -> str:
    """Hash whatever can change an outcome: documents of another hash are taken up again.

    `unread`, `complete` and rules are no part of the steps' hashes: the replies that they had come from the
    cache.
    """
    changed = [] if pipeline.unread == "review" else [f"unread: {pipeline.unread}"]  # as before the key
    changed += [] if pipeline.ocr == "missing" else [f"ocr: {pipeline.ocr}"]
    changed += [] if split is None else [f"split: {split.sha256}"]
    for step in steps:
        said = getattr(step.options, "complete", None)
        if said is not None and said != type(step.options).model_fields["complete"].default:
            changed.append(f"{step.id}: complete: {said}")
    changed += [f"{step.id}: {rule.model_dump_json()}" for step in steps for rule in _rules(step, tools)]
    return sha256_of([*(step.sha256 for step in steps), *changed])


def _rules(step: "StepPlan", tools: Mapping[str, ToolSchema]) -> Iterator[Rule]:
    """Give the rules of a step and of the schemas that it may use."""
    acts = kind(step.kind)
    yield from acts.rules(step.options)
    for _, name in acts.schemas(step.options):
        yield from tools[name].rules


def surroundings(target: Target, further: Sequence[str] = (), *, votes: int = 1) -> list[Any]:
    """List what decides a step's bodies beside its own declaration."""
    endpoint = target.endpoint
    limits = [endpoint.structured_output, endpoint.max_output_tokens]
    # Named only where they are not what every endpoint had before there were such keys.
    changed: list[Any] = [] if endpoint.max_tokens_name == "max_tokens" else [endpoint.max_tokens_name]
    changed += [] if endpoint.strict else ["not strict"]
    changed += ["vision"] if endpoint.vision else []
    changed += [["then", *further]] if further else []
    changed += ["choices"] if votes > 1 and endpoint.choices else []
    return [prompt.VERSION, target.model, target.identity, *limits, *changed]


def sha256_of(value: Any) -> str:
    """Hash a value as its JSON, with sorted keys."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, ensure_ascii=False).encode()).hexdigest()
