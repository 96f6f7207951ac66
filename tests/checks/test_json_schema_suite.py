"""The JSON-Schema-Test-Suite of jsonschema's source distribution, Draft 2020-12, with its known exceptions.

A schema that docmill refuses when it loads it can check nothing wrongly: those of the suite stand in
json_schema_suite.json, by what the refusal says, by file, by name. What is told otherwise than the
suite has it stands here, with the reason.
"""

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from docmill.schemas.errors import ConfigError
from docmill.tasks.checks.validation import validator
from tests.support.sdists import unpacked

Test = tuple[str, str, str]  # file, group, test
REFUSED = json.loads(Path(__file__).with_name("json_schema_suite.json").read_text())
FORMATS = """
    email idn-email regex ipv4 ipv6 idn-hostname hostname date date-time time json-pointer
    relative-json-pointer iri iri-reference uri uri-reference uri-template uuid duration"""
OTHERWISE: dict[str, set[Test]] = {
    "a format is a rule for docmill, never an annotation alone": {
        ("format", f"{name} format", f"invalid {name} string is only an annotation by default")
        for name in FORMATS.split()
    },
    "Python's times have no leap second": {
        ("date-time", "validation of date-time strings", f"a valid date-time with a leap second, {where}")
        for where in ("UTC", "with minus offset")
    }
    | {
        ("time", "validation of time strings", name)
        for name in (
            "a valid time string with leap second, Zulu",
            "valid leap second, zero time-offset",
            "valid leap second, positive time-offset",
            "valid leap second, large positive time-offset",
            "valid leap second, negative time-offset",
            "valid leap second, large negative time-offset",
        )
    },
    "an e-mail address is one @ between two words without spaces": {
        ("email", "validation of e-mail addresses", name)
        for name in (
            "a quoted string with a space in the local part is valid",
            "a quoted string with a @ in the local part is valid",
            "dot before local part is not valid",
            "dot after local part is not valid",
            "two subsequent dots inside local part are not valid",
            "an invalid domain",
            "an invalid IPv4-address-literal",
        )
    },
    "RE2 takes an escape that ECMA 262 has not": {
        ("ecmascript-regex", "\\a is not an ECMA 262 control escape", "when used as a pattern")
    },
}


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the folder of Draft 2020-12."""
    return unpacked("jsonschema", tmp_path_factory.mktemp("sdist")) / "json" / "tests" / "draft2020-12"


def _groups(suite: Path) -> Iterator[tuple[str, Any]]:
    """List the groups of the required tests and of those of the formats, each with its file's name."""
    for file in sorted([*suite.glob("*.json"), *suite.glob("optional/format/*.json")]):
        for group in json.loads(file.read_text()):
            yield file.stem, group


@cache
def _refusal(schema: str) -> str | None:
    """Say why a schema is refused; None where it is not."""
    try:
        validator(json.loads(schema))
    except ConfigError as error:
        return str(error)
    return None


def test_the_schemas_that_are_refused_are_these_and_for_these_reasons(suite: Path):
    refused: dict[tuple[str, str], str] = {
        (file, group["description"]): said
        for file, group in _groups(suite)
        if (said := _refusal(json.dumps(group["schema"])))
    }
    expected = {
        (file, name): why for why, files in REFUSED.items() for file, names in files.items() for name in names
    }
    assert refused.keys() == expected.keys()
    assert {known: said for known, said in refused.items() if expected[known] not in said} == {}


def test_every_value_is_judged_as_the_suite_has_it_but_for_these(suite: Path):
    judged, otherwise = 0, set()
    for file, group in _groups(suite):
        if _refusal(json.dumps(group["schema"])):
            continue
        checked = validator(group["schema"])
        for test in group["tests"]:
            judged += 1
            if checked.is_valid(test["data"]) is not test["valid"]:
                otherwise.add((file, group["description"], test["description"]))
    assert otherwise == set().union(*OTHERWISE.values())
    assert judged > 1500
