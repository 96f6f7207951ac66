"""What a provider's prompt cache serves of docmill's requests: by the stand-in's, which is a real one."""

import pytest

from benchmarks.prefix import CASES, requests, served
from tests.support.billing import PrefixCache

LONG_INSTRUCTIONS, MANY_STEPS, _ = CASES
DOCUMENTS = 20


def share(case: object, asked_by: str, first: str) -> float:
    return served(requests(case, asked_by, first, DOCUMENTS))  # type: ignore[arg-type]


@pytest.mark.parametrize("asked_by", ["tools", "json_schema"])
def test_long_instructions_are_read_once_where_they_come_first(asked_by: str):
    assert share(LONG_INSTRUCTIONS, asked_by, "document") < 0.1
    assert share(LONG_INSTRUCTIONS, asked_by, "instructions") > 0.8


def test_a_document_is_read_once_by_its_steps_where_it_comes_first():
    assert share(MANY_STEPS, "json_schema", "document") > 0.6
    assert share(MANY_STEPS, "json_schema", "instructions") < 0.1


def said(text: str, tool: str = "t") -> dict[str, object]:
    return {"tools": [{"name": tool}], "messages": [{"role": "user", "content": text}]}


def test_a_prefix_is_served_in_blocks_of_128_tokens_and_a_tool_comes_before_all():
    cache = PrefixCache()
    same = "same " * 500
    tokens, cached, kept = cache.read(said(f"{same} one"))
    assert (cached, kept) == (0, tokens // 128 * 128)
    assert cache.read(said(f"{same} one"))[1] == kept
    _, cached, _ = cache.read(said(f"{same} two"))
    assert 0 < cached <= len(same) // 4
    assert cached % 128 == 0
    assert cache.read(said(f"{same} one", tool="another"))[1] == 0


def test_what_is_too_short_is_never_served():
    cache = PrefixCache(least_tokens=1024)
    assert [cache.read(said("short " * 100))[1] for _ in range(2)] == [0, 0]
