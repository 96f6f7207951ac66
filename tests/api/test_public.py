"""`import docmill`: a list of names, each loaded when it is first used."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import docmill
from docmill.schemas import errors

ROOT = Path(__file__).parents[2]
HEAVY = ("prefect", "httpx", "sqlalchemy", "pydantic")


def loaded(code: str) -> set[str]:
    """Give which of the heavy modules a process of its own has loaded after the code."""
    told = f"{code}\nimport sys; print(*[name for name in {HEAVY} if name in sys.modules])"
    command = [sys.executable, "-c", told]
    ended = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    return set(ended.stdout.split())


def test_importing_docmill_loads_nothing_heavy():
    assert loaded("import docmill; dir(docmill); docmill.__all__; docmill.__version__") == set()


@pytest.mark.parametrize("name", ["load", "results", "testing", "Endpoint", "Pipeline", "Record", "Fatal"])
def test_what_only_reads_loads_neither_prefect_nor_http(name: str):
    assert loaded(f"import docmill; docmill.{name}").isdisjoint({"prefect", "httpx"})


@pytest.mark.parametrize("name", docmill.__all__)
def test_every_name_of_the_list_is_there(name: str):
    assert getattr(docmill, name) is not None
    assert name in dir(docmill)


def test_a_name_that_is_not_on_the_list_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'sumarize'"):
        _ = docmill.sumarize  # type: ignore[attr-defined]


def test_the_whole_error_tree_is_on_the_list():
    tree = {name for name, each in vars(errors).items() if isinstance(each, type)}
    assert tree <= set(docmill.__all__)


def test_the_list_is_what_type_checkers_see():
    text = Path(docmill.__file__).read_text()
    seen = re.findall(r"^    from docmill\S* import (?:\(([^)]*)\)|(.*))$", text, re.MULTILINE)
    names = {name.strip() for each in seen for name in "".join(each).split(",") if name.strip()}
    assert names == set(docmill.__all__)


def test_the_version_is_a_packages_own():
    assert re.fullmatch(r"\d+\.\d+\.\d+", docmill.__version__)


@pytest.mark.parametrize(
    "call",
    [
        lambda: docmill.complete(messages=[]),
        lambda: docmill.summarize("text"),
        lambda: docmill.classify("text", ["a", "b"]),
        lambda: docmill.extract("text", {"properties": {}}),
        lambda: docmill.ask("text", "What?"),
    ],
)
async def test_outside_of_a_flow_run_each_says_what_to_do(call):
    with pytest.raises(docmill.ConfigError, match=r"@flow.*async with docmill\.server\(\)"):
        await call()
