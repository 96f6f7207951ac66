"""A correction: which value of which record is meant, and the value that a person typed for it."""

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from docmill.flows.review.carried import array_part, same
from docmill.flows.review.case import Case
from docmill.flows.review.step_records import StepRecord
from docmill.schemas.decision import LABEL, VOTES
from docmill.schemas.errors import ConfigError
from docmill.tasks.checks.faults import Path, faults, place
from docmill.tasks.checks.jsontext import parse
from docmill.tasks.checks.pointers import ABSENT, is_within, path_in, pointer, value_at, with_value
from docmill.tasks.checks.validation import validator

STEP = re.compile(r"([a-z][a-z0-9_-]*):(.*)", re.DOTALL)
MOST_TOLD = 5


def target(case: Case, name: str) -> tuple[StepRecord, Path]:
    """Find the record and the path that a name leads to."""
    prefixed = STEP.fullmatch(name)
    step, text = (prefixed[1], prefixed[2]) if prefixed and prefixed[1] in case.records else (case.main, name)
    found = case.records.get(step)
    if found is None:
        lost = f": the pipeline no longer has the step {step}, run it again" if step else ": it has no record"
        raise ConfigError(f"{case.document_id}: no value can be corrected{lost}")
    if found.is_label:
        if text not in (LABEL, VOTES):  # as exports of an earlier version have it
            raise ConfigError(f"{case.document_id}: {name!r}: {step} has a label alone: write {step}:{LABEL}")
        return found, ()
    try:
        return found, path_in(found.record, text)
    except ValueError as error:
        raise ConfigError(f"{case.document_id}: {name!r}: {error}") from None


def corrected_value(found: StepRecord, path: Path, text: str) -> Any:
    """Read a corrected value: as JSON where the schema takes that, else as a text."""
    told: list[str] = []
    known, checked = found.faults, validator(found.tool.parameters)  # of a schema that has changed since
    for value in _readings(text):
        try:
            record = with_value(found.record, path, value)
        except LookupError:
            raise ConfigError(
                f"{place(path)}: there is nothing that holds this place: correct that first"
            ) from None
        wrong = [each for each in faults(checked, record) if each not in known]
        if not wrong:
            return value
        told.append("; ".join(map(described, wrong[:MOST_TOLD])))
    raise ConfigError(told[0])


def _readings(text: str) -> Iterator[Any]:
    with suppress(ValueError):
        yield parse(text)
    try:
        yield parse(json.dumps(text))
    except ValueError as error:
        raise ConfigError(f"the corrected value {error}") from None


def item_around(case: Case, found: StepRecord, path: Path) -> Any:
    """Give the item of an array that a path leads into, as the run gave it."""
    at = array_part(found.record, path)
    if at is None:
        return None
    of_item = pointer(path[: at + 1])
    for each in case.holding.of(found.step):  # the record of one that is done has the corrected item
        if each.within is None or not is_within(each.path, of_item):
            continue
        with suppress(ValueError):  # a path that no longer leads anywhere
            if same(value_at(found.record, path_in(found.record, each.path)), each.after):
                return each.within
    item = value_at(found.run, path[: at + 1])
    if item is ABSENT:
        item = value_at(found.record, path[: at + 1])
    return None if item is ABSENT else item


def described(fault: tuple[Path, str]) -> str:
    """Write what is wrong with a value, with its place."""
    at, said = fault
    return f"{place(at)}: {said}" if at else said
