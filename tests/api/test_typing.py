"""A project of somebody else's that uses docmill is clean under `mypy --strict`, without an ignore."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = """
import asyncio
from pathlib import Path
from typing import Any, assert_type

import docmill
import docmill.testing
from prefect import flow
from pydantic import BaseModel


class Invoice(BaseModel):
    number: str


@flow
async def read(text: str) -> Invoice:
    endpoint = docmill.Endpoint(base_url="https://gateway.example/v1", context_tokens=100_000)
    async with docmill.session(endpoint=endpoint, model="m", limits={"concurrency": 4}):
        assert_type(await docmill.summarize(text, max_words=20, document="a"), str)
        assert_type(await docmill.classify(text, ["a", "b"], step="sort"), str)
        assert_type(await docmill.classify(text, {"a": "first", "b": {"examples": ["B"]}}), str)
        assert_type(await docmill.classify(text, {"a": "first", "b": "second"}, max_input_tokens=9), str)
        assert_type(await docmill.ask(text, "Why?", params={"temperature": 1}), str)
        assert_type(await docmill.extract(text, schema="invoice"), docmill.Record[dict[str, Any]])
        assert_type(await docmill.extract(text, {"type": "object"}), docmill.Record[dict[str, Any]])
        record = await docmill.extract(text, schema=Invoice)
        assert_type(record, docmill.Record[Invoice])
        assert_type(record.value, Invoice)
        assert_type(record.missing, tuple[str, ...])
        assert_type(record.evidence[0].quote, str | None)
        completion = await docmill.complete(messages=[{"role": "user", "content": text}], n=2, stop=["x"])
        assert_type(completion, docmill.Completion)
        assert_type([choice.text for choice in completion.choices], list[str])
        return record.value


async def main() -> None:
    try:
        async with docmill.server() as api_url:
            assert_type(api_url, str)
            await read("text")
            pipeline = docmill.load("p.yaml")
            assert_type(pipeline, docmill.Pipeline)
            await docmill.process(pipeline)
            state = await docmill.process(Path("p.yaml"), limit=3, return_state=True)
            print(state.name)
    except docmill.ChatError as error:
        assert_type(error.status, int | None)
    with docmill.results("sqlite:///r.db") as stored:
        for outcome in stored.outcomes(pipeline="p", status="done"):
            assert_type(outcome.summary, str | None)
        for row in stored.rows("p", "invoice"):
            assert_type(row, dict[str, Any])
    with docmill.testing.provider({"a": ["text", {"n": 1}, 503], "b": lambda request: request.text}) as test:
        assert_type(test.requests[0].body, dict[str, Any])
        async with docmill.session(test, "m"):
            pass


asyncio.run(main())
"""
WRONG = """
import docmill


async def wrong() -> None:
    docmill.sumarize
    await docmill.extract("text")
    await docmill.summarize("text", max_words="many")
    number: int = await docmill.summarize("text")
"""


def checked(folder: Path, text: str) -> "subprocess.CompletedProcess[str]":
    """Check a project as its owner does, with what is installed here."""
    (folder / "app.py").write_text(text)
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(folder / "cache"), "app.py"]
    return subprocess.run(command, capture_output=True, text=True, cwd=folder)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_project_that_uses_docmill_is_clean_under_mypy_strict(tmp_path: Path):
    (tmp_path / "mypy.ini").write_text("[mypy]\n")
    right = checked(tmp_path, PROJECT)
    assert right.returncode == 0, right.stdout + right.stderr
    wrong = checked(tmp_path, WRONG)
    for said in (
        "has no attribute",
        "No overload variant",
        'expected "int"',
        "Incompatible types in assignment",
    ):
        assert said in wrong.stdout
    assert "Found 4 errors" in wrong.stdout
