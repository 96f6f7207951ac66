"""Labels that people made by deciding: what they accepted is right, and so is what they corrected."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any

from docmill.flows.evaluate.fields import Field
from docmill.flows.evaluate.labels.truth import Item, Items, Origin, Tree, Truth
from docmill.flows.review.carried import array_part, same, standing
from docmill.flows.review.doubts import label_step, record_step
from docmill.schemas.decision import OF_VALUES, Decision
from docmill.schemas.errors import ConfigError
from docmill.schemas.evaluate import REVIEWS
from docmill.schemas.pipeline import Into
from docmill.tasks.checks.pointers import parts_of, value_at, with_value

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Reviews:
    """The decisions on a pipeline's documents, in its results database."""

    into: Into
    pipeline: str


def read(source: Reviews, fields: Field) -> list[Truth]:
    """Read what people decided; nothing where there are no results yet."""
    from docmill.tasks.sinks.decisions import ReviewedResults  # not where labels stand in a file

    with suppress(ConfigError):
        results = ReviewedResults.read(source.into, source.pipeline)
        try:
            return list(truths(results.every_decision(), fields))
        finally:
            results.close()
    return []


def truths(decisions: Iterable[Decision], fields: Field) -> Iterator[Truth]:
    """Make a label of what holds of each content of a document; of one that was rejected there is none.

    What is neither a value of a record nor a step's label (a rule, a part that could not be read) is none,
    and neither is a place that the schema no longer has.
    """
    groups: defaultdict[tuple[str, str | None], list[Decision]] = defaultdict(list)
    for each in decisions:
        groups[each.document_id, each.content_sha256].append(each)
    for (document, content), made in groups.items():
        holding = standing(made)
        if content is None or holding.rejected:
            continue
        labels = {each.step: each.after for each in holding.decisions if each.of_label}
        named = dict.fromkeys(each.step for each in holding.decisions)
        found = {step: values for step in named if (values := _values(holding.of(step), fields))}
        if labels or found:
            label, values = next(iter(labels.values()), None), next(iter(found.values()), {})
            yield Truth(document, REVIEWS, label, values, Origin(content, found, labels))


def judged_of(truth: Truth, outcome: Row | None) -> tuple[Truth | None, Row | None]:
    """Give what a label says of an outcome, None for nothing, and the outcome as the run gave it.

    What was decided on another content, or on other steps than the outcome's, is not asked.
    """
    origin = truth.origin
    if origin is None:
        return truth, outcome
    if outcome is None or outcome.get("content_sha256") != origin.content_sha256:
        return None, None
    record, label = record_step(outcome), label_step(outcome)
    values = origin.values.get(record, {}) if record else truth.fields
    named = origin.labels.get(label) if label else truth.label
    if not values and named is None:
        return None, None
    given = {
        column: output
        for column, step in (("record", record), ("label", label))
        if step and (output := outcome["steps"][step].get("given")) is not None
    }
    return replace(truth, fields=values, label=named), {**outcome, **given}


def _values(decisions: Iterable[Decision], fields: Field) -> Tree:
    tree: Tree = {}
    for each in decisions:
        parts = parts_of(each.path)
        if each.about in OF_VALUES and parts and fields.at(parts):
            _put(tree, fields, parts, each)
    return tree


def _put(tree: Tree, field: Field, parts: tuple[str, ...], decision: Decision) -> None:
    key, rest = parts[0], parts[1:]
    inner = field.properties[key]
    if not rest:
        tree[key] = deepcopy(decision.after)
    elif inner.items and rest[0].isdecimal():
        tree[key] = _with_item(tree.get(key), rest, decision)
    else:
        if not isinstance(tree.get(key), dict):
            tree[key] = {}
        _put(tree[key], inner, rest, decision)


def _with_item(rows: Any, parts: tuple[str, ...], decision: Decision) -> list[Any]:
    """Put a decision about an item into a list: one decided as a whole, or one of which items alone are."""
    index, inner = int(parts[0]), parts[1:]
    if isinstance(rows, list) and not isinstance(rows, Items):
        at = next((at for at, row in enumerate(rows) if same(row, decision.within)), index)
        item = rows[at] if at < len(rows) else None
        return [*rows[:at], _changed(item, inner, decision.after), *rows[at + 1 :]]
    known = rows if isinstance(rows, Items) else Items()
    of_it = next((row for row in known if row.given is not None and same(row.given, decision.within)), None)
    others = Items(row for row in known if row is not of_it)
    value = _changed(of_it.value if of_it else decision.within, inner, decision.after)
    asked = inner[: array_part(value, inner)]  # of a list within it, the whole
    others.append(Item(decision.within, value, _asked(of_it and of_it.asked, asked, value_at(value, asked))))
    return others


def _asked(asked: Any, parts: tuple[str, ...], value: Any) -> Any:
    """Ask a place within an item, beside what is asked of it already."""
    if not parts:
        return value
    found = asked if isinstance(asked, dict) else {}
    return {**found, parts[0]: _asked(found.get(parts[0]), parts[1:], value)}


def _changed(item: Any, parts: tuple[str, ...], value: Any) -> Any:
    path = [int(part) if part.isdecimal() and isinstance(item, list) else part for part in parts]
    try:
        return with_value(item, path, value)
    except LookupError:
        return item
