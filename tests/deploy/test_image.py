"""deploy/Dockerfile, read without docker: what it copies, who it runs as, and that it holds no key."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

CLONE = Path(__file__).parents[2]
TEXT = (CLONE / "deploy/Dockerfile").read_text()
LINES = re.sub(r"^#.*\n", "", TEXT, flags=re.MULTILINE).replace("\\\n", " ").splitlines()
INSTRUCTIONS = [(word, rest) for word, _, rest in (line.partition(" ") for line in LINES if line)]
KNOWN = {"FROM", "ENV", "WORKDIR", "RUN", "COPY", "USER", "CMD"}
COPIED = [
    path for rest in (rest for word, rest in INSTRUCTIONS if word == "COPY") for path in rest.split()[:-1]
]
OURS = [path for path in COPIED if not path.startswith(("--from", "/"))]


def of(word: str) -> list[str]:
    """Give what stands behind an instruction, each time."""
    return [rest for name, rest in INSTRUCTIONS if name == word]


def test_each_line_is_an_instruction_that_it_needs():
    assert {word for word, _ in INSTRUCTIONS} == KNOWN


def test_it_is_built_in_one_stage_and_runs_in_another():
    assert of("FROM") == ["python:3.12-slim AS build", "python:3.12-slim"]
    assert of("COPY")[-1] == "--from=build /srv/docmill /srv/docmill"


@pytest.mark.parametrize("path", OURS)
def test_what_is_copied_is_there_and_not_ignored(path: str):
    assert (CLONE / path).exists()
    assert f"!{path}" in (CLONE / ".dockerignore").read_text().split()


def test_nothing_else_goes_to_the_daemon():
    lines = (CLONE / ".dockerignore").read_text().splitlines()
    kept = [line.removeprefix("!") for line in lines if line.startswith("!")]
    assert lines[1] == "*"
    assert sorted(kept) == sorted(OURS)


def test_what_pip_installs_is_locked_with_hashes():
    installs = [rest for rest in of("RUN") if "pip install" in rest]
    assert installs[0].split()[2:] == [
        "--no-deps",
        "--require-hashes",
        *("-r", "requirements.lock"),
        *("-r", "deploy/requirements.lock"),
    ]
    assert installs[1].split()[2:] == ["--no-deps", "-e", "."]


def test_it_runs_as_no_root():
    assert of("USER") == ["10001"]
    assert [word for word, _ in INSTRUCTIONS][-2:] == ["USER", "CMD"]


def test_it_holds_no_key():
    assert not re.search(r"KEY|SECRET|TOKEN|PASSWORD|AUTH", " ".join(of("ENV")))


@pytest.mark.slow
def test_its_worker_is_a_program_with_the_options_of_prefects():
    [command] = of("CMD")
    program, *options = json.loads(command)[1:]
    assert (CLONE / program).is_file()
    done = subprocess.run(
        [sys.executable, "-m", "prefect", "worker", "start", "--help"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert all(option in done.stdout for option in options if option.startswith("--"))
