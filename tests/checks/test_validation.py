"""Values against schemas: Draft 2020-12 in linear time and decimals, and faults that a model can act on."""

import socket
import time
import urllib.request

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docmill.schemas.errors import ConfigError
from docmill.tasks.checks.faults import faults, problem
from docmill.tasks.checks.validation import validator

CATASTROPHIC = ["^(a+)+$", "^(a|a)*$", "(.*a){25}$", r"^(\w+\s?)*$"]
REMOTE = [
    "https://example.com/s.json",
    "http://127.0.0.1:9/s",
    "other.json",
    "file:///etc/passwd",
    "//host/s",
]


def _problem(schema, value):
    return problem(validator(schema), value)


def _valid(schema, value):
    return _problem(schema, value) is None


@pytest.fixture
def offline(monkeypatch):
    """Any attempt to reach another machine or to open a URL fails the test."""

    def refuse(*_, **__):
        pytest.fail("a schema reached for the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(urllib.request, "urlopen", refuse)


@pytest.mark.parametrize("reference", REMOTE)
@pytest.mark.parametrize("holder", ["{}", "properties", "items", "not", "$defs"])
def test_remote_references_are_refused_and_never_fetched(offline, reference, holder):
    """A $ref out of the file is refused when the schema is loaded, wherever it stands, used or not."""
    part = {"$ref": reference}
    nested = {"properties": {"properties": {"a": part}}, "$defs": {"$defs": {"a": part}}}
    schema = part if holder == "{}" else nested.get(holder, {holder: part})
    with pytest.raises(ConfigError, match="never fetched"):
        validator(schema)


def test_the_registry_is_empty_and_the_dialect_is_known(offline):
    """The draft may be named; it needs no look at the network, and leaves the hardened keywords in force."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", "multipleOf": 0.01}
    assert _valid(schema, 19.99)


@pytest.mark.parametrize(
    "draft",
    ["http://json-schema.org/draft-07/schema#", "http://json-schema.org/schema#", "https://example.com/own"],
)
def test_other_drafts_are_refused(offline, draft):
    """What another draft means by a keyword is not guessed."""
    with pytest.raises(ConfigError, match=r"\$schema .* is not supported"):
        validator({"$schema": draft})


@pytest.mark.parametrize(
    ("schema", "good", "bad"),
    [
        ({"type": "integer"}, [1, 1.0, -(2**63)], [1.5, True, "1", 2.0**63, 1e300]),
        ({"type": "number"}, [1, 1.5], [True, "1", None]),
        ({"type": ["string", "null"]}, ["", None], [0, [], {}]),
        ({"const": 1}, [1, 1.0], [True, "1"]),
        ({"enum": [0, "a", None]}, [0, 0.0, "a", None], [False, "A", ""]),
        (
            {"prefixItems": [{"type": "string"}], "items": {"type": "integer"}},
            [["a", 1], []],
            [[1], ["a", "b"]],
        ),
        ({"contains": {"const": 1}, "maxContains": 2}, [[1], [1, 2, 1]], [[], [1, 1, 1]]),
        ({"dependentRequired": {"a": ["b"]}}, [{}, {"a": 1, "b": 1}], [{"a": 1}]),
        ({"dependentSchemas": {"a": {"required": ["b"]}}}, [{"b": 1}, {"a": 1, "b": 1}], [{"a": 1}]),
        ({"if": {"const": 1}, "then": False, "else": {"const": 2}}, [2], [1, 3]),
        ({"propertyNames": {"pattern": "^[a-z]+$"}}, [{"a": 1}], [{"A": 1}, {"": 1}]),
        ({"patternProperties": {"^n_": {"type": "integer"}}}, [{"n_a": 1, "b": ""}], [{"n_a": ""}]),
        (
            {"properties": {"a": {}}, "patternProperties": {"^x": {}}, "additionalProperties": False},
            [{"a": 1, "xy": 2}],
            [{"a": 1, "b": 2}],
        ),
        (
            {"properties": {"a": {}}, "additionalProperties": {"type": "null"}},
            [{"a": 1, "b": None}],
            [{"b": 1}],
        ),
        (
            {"allOf": [{"properties": {"a": {}}}], "unevaluatedProperties": False},
            [{"a": 1}, {}],
            [{"b": 1}, {"a": 1, "b": 1}],
        ),
        (
            {"uniqueItems": True},
            [[1, True, "1", None], [[1], [2]], [{"a": 1}, {"a": 2}]],
            [[1, 1.0], [{}, {}]],
        ),
        ({"uniqueItems": True}, [[0, False]], [[{"a": 1, "b": 2}, {"b": 2.0, "a": 1}], [[0], [0.0]]]),
        ({"minLength": 2, "maxLength": 2}, ["äö", "😀😀"], ["😀", "abc"]),
        ({"exclusiveMinimum": 0, "maximum": 10}, [0.01, 10], [0, 10.01]),
        ({"oneOf": [{"type": "integer"}, {"minimum": 2}]}, [1, 2.5], [3, 1.5]),
        ({"not": {"type": "string"}}, [1], ["a"]),
        (True, [1, None], []),
        ({"$ref": "#/$defs/a~1b", "$defs": {"a/b": {"type": "string"}}}, [""], [1]),
    ],
)
def test_draft_2020_12(schema, good, bad):
    """Each keyword means what the draft says; 1.0 is an integer, and integers have 64 bits."""
    for value in good:
        assert _problem(schema, value) is None
    for value in bad:
        assert _problem(schema, value)


@pytest.mark.parametrize(
    ("value", "divisor", "whole"),
    [
        (0.3, 0.1, True),
        (19.99, 0.01, True),
        (0.07, 0.01, True),
        (1.1, 0.1, True),
        (-0.3, 0.1, True),
        (0, 0.01, True),
        (1e300, 0.01, True),
        (1e22, 3, False),
        (123456789012345678, 2, True),
        (9007199254740993, 2, False),
        (4.5, 1.5, True),
        (1e-7, 1e-8, True),
        (19.999, 0.01, False),
        (0.35, 0.1, False),
        (7, 2, False),
        (2.5, 1, False),
        (1e308, 1e-300, True),
    ],
)
def test_multiples_are_counted_in_decimals(value, divisor, whole):
    """19.99 is a multiple of 0.01, as people count money."""
    assert _valid({"multipleOf": divisor}, value) is whole


@given(st.integers(-(10**9), 10**9), st.integers(0, 6))
def test_what_is_written_with_n_places_is_a_multiple_of_the_nth_place(units, places):
    """Any number of so many decimal places is a multiple of the last of them."""
    assert _valid({"multipleOf": float(f"1e-{places}")}, float(f"{units}e-{places}"))


def test_multiple_of_leaves_other_values_alone():
    """It speaks of numbers only, and true is none."""
    for value in (True, "0.15", None, [0.15]):
        assert _valid({"multipleOf": 0.1}, value)


@pytest.mark.parametrize("pattern", CATASTROPHIC)
@pytest.mark.parametrize(
    "schema",
    [
        lambda pattern: {"type": "string", "pattern": pattern},
        lambda pattern: {"patternProperties": {pattern: {}}, "additionalProperties": False},
        lambda pattern: {"propertyNames": {"pattern": pattern}},
        lambda pattern: {"properties": {"a": {}}, "additionalProperties": {"pattern": pattern}},
    ],
    ids=["pattern", "patternProperties", "propertyNames", "additionalProperties"],
)
def test_no_pattern_backtracks(schema, pattern):
    """Patterns that take Python's engine for ever are answered at once, also in the sentence about them."""
    long = "a" * 50 + "b!" * 3
    checked = validator(schema(pattern))
    began = time.monotonic()
    for value in (long, {long: long}, "a" * 100_000 + "!"):
        problem(checked, value)
    assert time.monotonic() - began < 2


@pytest.mark.parametrize("pattern", ["(?=a)b", "(?<!a)b", r"(a)\1", "(", "[z-a]", "a{2000}", "(?P<x"])
@pytest.mark.parametrize("keyword", ["pattern", "patternProperties"])
def test_patterns_that_re2_does_not_take_are_refused_when_loaded(pattern, keyword):
    """What cannot be matched in linear time is refused by name, before any value is seen."""
    schema = {"pattern": pattern} if keyword == "pattern" else {"patternProperties": {pattern: {}}}
    with pytest.raises(ConfigError, match="RE2") as caught:
        validator({"properties": {"a": schema}})
    assert "/properties/a" in str(caught.value)
    assert repr(pattern) in str(caught.value)


def test_patterns_search_and_match_whole_characters():
    """A pattern is found anywhere, as the draft says, and speaks of characters, not of bytes."""
    assert _valid({"pattern": "b"}, "abc")
    assert _valid({"pattern": "^.$"}, "€")
    assert not _valid({"pattern": "^a$"}, "a\n")


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("date", "2024-02-29", "2023-02-29"),
        ("date", "0001-01-01", "31.12.2024"),
        ("date", "2024-12-31", "20241231"),
        ("date-time", "2024-12-31T23:59:00Z", "2024-12-31 23:59"),
        ("date-time", "2024-12-31T23:59:00.5+01:00", "2024-12-31"),
        ("time", "23:59:00Z", "25:00:00Z"),
        ("duration", "P3DT12H", "3 days"),
        ("email", "ada@example.com", "@"),
        ("email", "a.b+c@d.example", "ada at example.com"),
        ("email", "ada@example.com", "ada@example.com, bob@example.com"),
        ("idn-email", "ädä@exämple.com", "ädä"),
        ("uri", "https://example.com/page?a=1#b", "example.com"),
        ("uri", "urn:isbn:0451450523", "https://example.com/a b"),
        ("uri-reference", "/page", "a b"),
        ("iri", "https://exämple.com/ü", "exämple.com"),
        ("iri-reference", "/ü", "ü ü"),
        ("uuid", "6f0b4f3e-4d4b-4c57-8f0a-0d7e7f1f2b10", "6f0b4f3e"),
        ("ipv4", "192.0.2.1", "192.0.2.256"),
        ("ipv6", "2001:db8::1", "2001:db8:::1"),
        ("hostname", "example.com", "-example.com"),
        ("regex", "^a+$", "("),
        ("json-pointer", "/a/0", "a"),
    ],
)
def test_formats_are_checked(name, good, bad):
    """A format that is named is asked for, of text alone."""
    assert _problem({"format": name}, good) is None
    assert f"has not the format {name}" in _problem({"format": name}, bad)
    assert _valid({"format": name}, 5)


def test_a_format_that_nobody_knows_is_no_rule():
    """The draft lets anybody name formats."""
    assert _valid({"format": "iban"}, "anything")


@pytest.mark.parametrize(
    "name",
    [
        "date",
        "date-time",
        "time",
        "duration",
        "email",
        "idn-email",
        "uri",
        "iri",
        "uri-reference",
        "iri-reference",
        "uri-template",
        "uuid",
        "ipv4",
        "ipv6",
        "hostname",
        "idn-hostname",
        "regex",
        "json-pointer",
        "relative-json-pointer",
    ],
)
def test_formats_answer_in_time_and_never_crash(name):
    """Hostile text is wrong or right, within two seconds."""
    checked = validator({"format": name})
    began = time.monotonic()
    for piece in ("a", "1", ".", "a.", "a@", "%", "-", "//", "[", "{", "ü", "xn--", "٣", "\x00", "P1D", "١:"):
        for text in (piece, piece * 500, piece * 100_000, "http://" + piece * 900):
            problem(checked, text)
    assert time.monotonic() - began < 6


@given(st.text())
def test_any_text_has_or_has_not_a_format(text):
    """No text crashes a format's check."""
    for name in ("date", "email", "uri", "iri", "hostname", "idn-hostname", "time", "duration", "uuid"):
        problem(validator({"format": name}), text)


@pytest.mark.parametrize(
    ("schema", "value", "sentence"),
    [
        ({"type": "object"}, [], "must be object, not []"),
        ({"type": ["string", "null"]}, 5, "must be string or null, not 5"),
        ({"required": ["a", "b"]}, {}, 'properties "a", "b" are missing'),
        ({"required": ["a", "b"]}, {"b": 1}, 'property "a" is missing'),
        ({"additionalProperties": False}, {"a": 1}, 'property "a" is not allowed'),
        (
            {"properties": {"a": {}}, "additionalProperties": False},
            dict.fromkeys("abcdefgh", 0),
            'properties "b", "c", "d", "e", "f" and 2 more are not allowed',
        ),
        ({"properties": {"a": {"enum": ["x", "y"]}}}, {"a": "z"}, 'a: must be one of "x", "y", not "z"'),
        (
            {"properties": {"lines": {"items": {"properties": {"price": {"type": "number"}}}}}},
            {"lines": [{}, {"price": "12,50"}]},
            'lines[1].price: must be number, not "12,50"',
        ),
        ({"pattern": "^[A-Z]+$"}, "a", '"a" does not match the pattern "^[A-Z]+$"'),
        ({"format": "date"}, "31.12.", '"31.12." has not the format date, such as 2024-12-31'),
        ({"const": "EUR"}, "USD", '"USD" is not "EUR"'),
        ({"minimum": 0}, -1, "-1 does not satisfy minimum: 0"),
        ({"multipleOf": 0.01}, 0.001, "0.001 does not satisfy multipleOf: 0.01"),
        (False, 1, "1 is not allowed"),
        ({"anyOf": [{"type": "null"}, {"required": ["a"]}]}, {}, 'property "a" is missing'),
        ({"anyOf": [{"type": "null"}, {"type": "string"}]}, 5, "5 fits none of the alternatives of anyOf"),
        ({"oneOf": [{}, {"type": "integer"}]}, 5, "5 fits more than one of the alternatives of oneOf"),
    ],
)
def test_faults_say_where_and_what(schema, value, sentence):
    """One sentence says the place, the rule and the value."""
    assert _problem(schema, value) == sentence


def test_faults_are_general_first_few_and_short():
    """Five faults at most are told, outer ones first, and no value floods the sentence."""
    item = {"type": "object", "properties": {"a": {"type": "integer"}}}
    schema = {"type": "object", "required": ["b"], "properties": {"lines": {"items": item}}}
    said = _problem(schema, {"lines": [{"a": "x" * 10_000} for _ in range(500)]})
    assert said.startswith('property "b" is missing; lines[0].a: must be integer, not "xxx')
    assert said.endswith("; 95 more")
    assert len(said) < 1000


def test_faults_come_in_the_same_order_in_every_process():
    """Repairs are cached by their text, so it must not depend on the order of a set."""
    checked = validator({"additionalProperties": False, "properties": {"a": {"type": "string"}}})
    value = {"z": 1, "a": 2, "y": 3, "b": 4}
    assert faults(checked, value) == [
        ((), 'properties "z", "y", "b" are not allowed'),
        (("a",), "must be string, not 2"),
    ]


def test_self_references_are_bounded():
    """A recursive schema checks finite values; one that goes round for ever ends in a sentence."""
    tree = {"$ref": "#/$defs/tree", "$defs": {"tree": {"items": {"$ref": "#/$defs/tree"}, "type": "array"}}}
    assert _valid(tree, [[], [[]]])
    assert _problem(tree, [[], [5]]) == "[1][0]: must be array, not 5"
    ring = {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/a"}}}
    assert _problem(ring, 1) == "nested too deeply to be checked"


@pytest.mark.parametrize(
    ("schema", "place", "fault"),
    [
        (
            {"properties": {"a": {"tpye": "string"}}},
            "/properties/a",
            "unknown keyword 'tpye'; did you mean type?",
        ),
        ({"type": "text"}, "/type", "text"),
        ({"properties": []}, "/properties", "must be object"),
        ({"required": "a"}, "/required", "must be array"),
        ({"minLength": -1}, "/minLength", "minimum"),
        ({"multipleOf": 0}, "/multipleOf", "exclusiveMinimum"),
        ({"items": {"$ref": "#/$defs/x"}}, "/items", "leads nowhere"),
        ({"items": {"$ref": "#x"}}, "/items", "write it as #/$defs/NAME"),
        ({"items": {"$id": "https://example.com/x"}}, "/items", "$id is not supported below the top"),
        ({"$dynamicRef": "#x"}, "/", "$dynamicRef is not supported"),
        ({"$anchor": "x"}, "/", "$anchor is not supported"),
        ({"$ref": "#/type", "type": "object"}, "/", "does not lead to a schema"),
        (5, "/", "must be object or boolean"),
        ("", "/", "must be object or boolean"),
        (None, "/", "must be object or boolean"),
    ],
)
def test_wrong_schemas_are_refused_with_the_place(schema, place, fault):
    """A schema is linted before anything is checked by it."""
    with pytest.raises(ConfigError) as caught:
        validator(schema)
    assert str(caught.value).startswith(f"the schema is wrong at {place}: ")
    assert fault in str(caught.value)


@pytest.mark.parametrize("keyword", ["x-order", "example", "discriminator", "$comment", "deprecated"])
def test_what_generators_write_is_taken(keyword):
    """OpenAPI's words and extensions change nothing."""
    assert _valid({keyword: True if keyword == "deprecated" else "x"}, 1)


def test_many_equal_looking_items_are_compared_in_linear_time():
    """UniqueItems over twenty thousand objects takes a second, not an hour."""
    checked = validator({"uniqueItems": True})
    began = time.monotonic()
    assert problem(checked, [{"a": number, "b": [number]} for number in range(20_000)]) is None
    assert time.monotonic() - began < 5
