"""Every public name is described, and each example of a docstring gives what it says."""

import ast
import datetime
import decimal
import doctest
import inspect
from collections.abc import Iterator
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import pydantic
import pytest

import docmill
from tests.support.letters import write_letters
from tests.support.own_flow import in_flow
from tests.support.project import Project

TABLE: dict[str, Any] = {
    "What has to be paid?": "318.40 EUR.",
    "A greeting?": "Good morning.",
    "Boston": {"city": "Boston"},
    "A text that is refused": 400,
    "Total due": ["A bill.", "invoice", {"total": 318.40}],
    "318.40": ["A bill of 318.40 EUR.", "invoice"],
}
ALONE = {"load", "process", "results", "server"}  # outside of a flow run


def examples(name: str) -> list[doctest.Example]:
    """Parse the examples of a public name's docstring; those of docmill.testing are its provider's."""
    public = getattr(docmill, name)
    described = public.provider if name == "testing" else public
    return doctest.DocTestParser().get_examples(inspect.getdoc(described) or "")


def is_leaf(name: str) -> bool:
    """Say whether a name is an error below another, which the tree's docstring shows."""
    public = getattr(docmill, name)
    return isinstance(public, type) and issubclass(public, Exception) and public is not docmill.ChatError


EXAMPLES = [name for name in docmill.__all__ if not is_leaf(name)]


@pytest.fixture
def letters(project: Project, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Give the project that the examples stand in, and the provider that answers them."""
    write_letters(project)
    with docmill.testing.provider(TABLE) as endpoint:
        monkeypatch.setenv("DOCMILL_BASE_URL", endpoint.base_url)
        monkeypatch.setenv("DOCMILL_MODEL", "m")
        yield


async def give(name: str, asked: list[doctest.Example]) -> list[str]:
    """Run examples one after the other, as a prompt that awaits does; gives what each printed."""
    names = {
        "datetime": datetime,
        "decimal": decimal,
        "docmill": docmill,
        "Path": Path,
        "pydantic": pydantic,
        "__name__": name,
    }
    printed = []
    for example in asked:
        code = compile(example.source, name, "single", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        with redirect_stdout(StringIO()) as output:
            if inspect.isawaitable(given := eval(code, names)):
                await given
        printed.append(output.getvalue())
    return printed


@pytest.mark.parametrize("name", EXAMPLES)
@pytest.mark.usefixtures("letters", "prefect_api")
async def test_every_example_gives_what_it_says(name: str):
    asked = examples(name)
    assert asked, f"docmill.{name} has no example"
    if name == "results":
        await docmill.process(Path("letters.yaml"))
    given = await (give(name, asked) if name in ALONE else in_flow(lambda: give(name, asked)))
    check = doctest.OutputChecker().check_output
    for example, printed in zip(asked, given, strict=True):
        assert check(example.want, printed, doctest.ELLIPSIS), f"{example.source}{printed}"


@pytest.mark.parametrize("name", docmill.__all__)
def test_every_name_is_described_in_a_sentence_of_its_own(name: str):
    described = inspect.getdoc(getattr(docmill, name)) or ""
    first = described.split("\n")[0]
    assert first.endswith((".", ":"))
    assert "Exception" not in first


@pytest.mark.parametrize("name", ["ask", "classify", "complete", "extract", "session", "summarize"])
def test_every_parameter_is_described(name: str):
    public = getattr(docmill, name)
    described = inspect.getdoc(public) or ""
    for parameter in inspect.signature(public).parameters:
        assert f"\n    {parameter}: " in described, parameter
