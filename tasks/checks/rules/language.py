"""Rules in CEL: compiled when a pipeline is read, and held against records; nothing of them is executed."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

from docmill.schemas.rule import BrokenRule, Rule
from docmill.tasks.checks.rules import functions
from docmill.tasks.checks.rules.numbers import operators
from docmill.tasks.checks.rules.reading import Reading, read
from docmill.tasks.checks.rules.values import cel_value, has_null, length
from docmill.tasks.checks.spelling import meant
from docmill.tasks.checks.subschemas import Pointer, Schema

if TYPE_CHECKING:
    from celpy import Environment

MOST_NESTED = 2  # macros within one another: each passes over a whole list
MOST_STEPS = 1_000_000  # of the innermost, for one record
FACTS = ("id", "uri", "pages", "label")  # of a document
SIGNS = {"=": "==", "and": "&&", "or": "||", "not": "!"}  # what other languages have, and CEL's for it
EXAMPLE = "write what is true where the rule is kept, such as net + tax == total"
WORD = re.compile(r"\w+|=+|\W")


class WrongRule(ValueError):
    """A rule that cannot be read; its text says what is wrong, and at which column of it, from 1."""


@dataclass(frozen=True)
class Compiled:
    """A rule ready to be held against records."""

    rule: Rule
    reading: Reading
    program: Any

    def broken(self, record: Mapping[str, Any], document: Mapping[str, Any]) -> str | None:
        """Say what is wrong with a record; None where it keeps the rule.

        A rule that cannot be computed as a value is null or left out does not apply, as a CHECK in SQL.
        """
        from celpy.evaluation import CELEvalError

        if self.reading.nested and length(record) ** self.reading.nested > MOST_STEPS:
            return f"{self.rule.said} (not computed: the record is too long for it)"
        fields = {name: record.get(name) for name in self.reading.fields}
        try:
            kept = self.program.evaluate(
                {
                    **{name: cel_value(each) for name, each in fields.items() if name.isidentifier()},
                    "record": cel_value(dict(record)),
                    "document": cel_value(dict(document)),
                }
            )
        except (CELEvalError, ArithmeticError, TypeError, ValueError, LookupError):
            facts = [document.get(name) for name in self.reading.facts]
            lacking = has_null([fields, *facts]) or (self.reading.is_whole and has_null(record))
            return None if lacking else f"{self.rule.said} (it cannot be computed)"
        return None if kept else self.rule.said


@lru_cache(maxsize=1000)
def compiled(rule: Rule, properties: tuple[str, ...]) -> Compiled:
    """Compile a rule over records with these properties; raises WrongRule."""
    from celpy.celparser import CELParseError

    try:
        tree = _environment().compile(rule.that)
        reading = read(tree)
    except CELParseError as error:
        raise WrongRule(_no_cel(rule.that, error.line or 1, error.column or 1)) from None
    except RecursionError:
        raise WrongRule("nested too deeply") from None
    if unknown := next(_unknown(reading, properties), None):
        raise WrongRule(unknown)
    program = _environment().program(tree, functions={**operators(), **functions.own()})
    return Compiled(rule, reading, program)


def rule_faults(rules: Sequence[Rule], schema: Schema) -> list[tuple[Pointer, str]]:
    """List the rules that cannot be read over records of a schema, each with its place among them."""
    faults: list[tuple[Pointer, str]] = []
    for index, rule in enumerate(rules):
        try:
            compiled(rule, tuple(schema.get("properties", {})))
        except WrongRule as error:
            faults.append(((str(index), "that"), str(error)))
    return faults


def broken_rules(rules: Sequence[Rule], schema: Schema, record: Any, document: Any) -> list[BrokenRule]:
    """List the rules that a record breaks, each with what is wrong."""
    properties = tuple(schema.get("properties", {}))
    told = [(rule, compiled(rule, properties).broken(record, document)) for rule in rules]
    return [BrokenRule(name=rule.name, message=message) for rule, message in told if message]


def judged(rule: Rule, schema: Schema, record: Mapping[str, Any]) -> dict[str, Any]:
    """Give what a rule is about: the fields of a record that it names, or all where it names the record."""
    reading = compiled(rule, tuple(schema.get("properties", {}))).reading
    return {name: value for name, value in record.items() if reading.is_whole or name in reading.fields}


def facts_named(rules: Iterable[Rule], schema: Schema) -> set[str]:
    """Name the facts of a document that rules over records of a schema are about."""
    properties = tuple(schema.get("properties", {}))
    return {name for rule in rules for name in compiled(rule, properties).reading.facts}


def _no_cel(that: str, line: int, column: int) -> str:
    """Say where a text is no CEL any more, with the sign that was meant there, or an example."""
    said = (that.splitlines() or [""])[line - 1]
    around = [*WORD.findall(said[: column - 1].rstrip())[-1:], *WORD.findall(said[column - 1 :])[:1]]
    signs = [SIGNS[word.lower()] for word in around if word.lower() in SIGNS]
    remedy = f"; did you mean {signs[0]}?" if signs else f": {EXAMPLE}"
    return f"{f'line {line}, ' if line > 1 else ''}column {column}: this is not CEL{remedy}"


def _unknown(reading: Reading, properties: tuple[str, ...]) -> Iterator[str]:
    known = [*properties, "record", "document"]
    for name in sorted(reading.fields - set(properties)):
        yield f"{name!r} is no property of the schema{meant(name, known)}"
    for name in sorted(reading.facts - set(FACTS)):
        yield f"a document has no {name!r}{meant(name, FACTS)}"
    for name in sorted(reading.functions - functions.known()):
        yield f"there is no function {name!r}{meant(name, functions.known())}"
    if reading.nested > MOST_NESTED:
        yield f"lists are passed over within one another {reading.nested} deep: at most {MOST_NESTED}"


@cache
def _environment() -> "Environment":
    import celpy

    return celpy.Environment()
