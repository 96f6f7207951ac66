"""No regular expression is shown to people: each pattern of what they write has its words."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from docmill.schemas.chat_request import ChatRequest
from docmill.schemas.endpoint import Endpoint
from docmill.schemas.pipeline import Pipeline
from docmill.schemas.tool import ToolFile
from docmill.tasks.checks.declared import FORMS


def _patterns(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        if isinstance(schema.get("pattern"), str):
            yield schema["pattern"]
        for inner in schema.values():
            yield from _patterns(inner)
    elif isinstance(schema, list):
        for inner in schema:
            yield from _patterns(inner)


@pytest.mark.parametrize("model", [Pipeline, Endpoint, ToolFile, ChatRequest])
def test_every_pattern_has_its_words_with_an_example_that_fits(model: type[BaseModel]):
    found = set(_patterns(model.model_json_schema()))
    assert found
    for pattern in found:
        example = re.search(r"such as ([^ ,]+)", FORMS[pattern])
        assert example
        assert re.match(pattern, example[1])


@pytest.mark.parametrize("end", ["/chat/completions", "/chat/completions/"])
def test_a_base_url_that_ends_in_chat_completions_is_told(end: str):
    with pytest.raises(ValidationError, match="leave /chat/completions off the end of base_url"):
        Endpoint(base_url=f"https://llm.example/v1{end}")
