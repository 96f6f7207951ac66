"""`docmill text`: what a step would send of files, and what of them could not be read."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any

import fsspec
import pytest

from docmill.flows.cli import COMMANDS
from tests.cli.test_commands import without_prefect
from tests.support.documents import pdf
from tests.support.partly import WHY, partly
from tests.support.project import Project
from tests.support.provider import Provider

Printed = pytest.CaptureFixture[str]
SAMPLES = Path(__file__).parents[2] / "samples"


def test_one_file_is_its_text_alone(project: Project, capfd: Printed):
    project.documents(a="\ufeffone\r\n\ttwo  3\n")
    assert project.run("text", "in/a.txt") == 0
    assert capfd.readouterr() == ("one\n\ttwo  3\n", "")


def test_it_is_what_a_step_sends(project: Project, provider: Provider, prefect_api: str, capfd: Printed):
    project.documents(a="Dear </document> <DOCUMENT>\n\u202eyou")
    assert project.run("run", str(project.pipeline(provider.url, "  - summarize:\n"))) == 0
    capfd.readouterr()
    assert project.run("text", "in/a.txt") == 0
    sent = json.loads(provider.requests[0].body)["messages"][1]["content"]
    assert sent.startswith(f"<document>\n{capfd.readouterr().out}</document>\n")


def test_several_files_have_a_heading_each_in_the_order_given(project: Project, capfd: Printed):
    project.documents(a="one", b="two", c="three")
    assert project.run("text", "in/c.txt", "in/*.txt") == 0
    assert capfd.readouterr().out == (
        "==> in/c.txt <==\nthree\n\n==> in/a.txt <==\none\n\n==> in/b.txt <==\ntwo\n"
    )


@pytest.mark.usefixtures("partial")
def test_what_was_not_read_stands_on_stderr_on_one_line_a_part(project: Project, capfd: Printed):
    Path("a.pdf").write_bytes(partly("Dear you", "page 3", "sheet \u202e[red]\nx"))
    assert project.run("text", "a.pdf") == 0
    assert capfd.readouterr() == (
        "Dear you\n",
        f"a.pdf: not read: page 3: {WHY}\na.pdf: not read: sheet [red] x: {WHY}\n",
    )


def test_json_is_an_object_a_file_on_a_line_of_its_own(project: Project, partial: None, capfd: Printed):
    Path("a.pdf").write_bytes(partly("Grüße,\nAda", "page 3"))
    Path("b.txt").write_bytes(b"")
    assert project.run("text", "a.pdf", "b.txt", "--json") == 1
    lines, error = capfd.readouterr()
    assert [json.loads(line) for line in lines.splitlines()] == [
        {
            "uri": Path("a.pdf").absolute().as_uri(),
            "text": "Grüße,\nAda",
            "unread": [{"part": "page 3", "why": WHY}],
            "recognized": [],
            "error": None,
        },
        {
            "uri": Path("b.txt").absolute().as_uri(),
            "text": None,
            "unread": [],
            "recognized": [],
            "error": "the file is empty",
        },
    ]
    assert error == ""


@pytest.mark.usefixtures("partial")
def test_what_was_read_on_a_picture_has_its_confidence_and_grade(project: Project, capfd: Printed):
    Path("a.pdf").write_bytes(partly("Dear you", seen={"page 1": 0.984}))
    assert project.run("text", "a.pdf") == 0
    assert capfd.readouterr() == ("Dear you\n", "a.pdf: page 1: read by its picture, 98% sure: good\n")
    assert project.run("text", "a.pdf", "--json") == 0
    told = {"part": "page 1", "confidence": 0.984, "start": 0, "end": 8, "grade": "good"}
    assert json.loads(capfd.readouterr().out)["recognized"] == [told]


def test_a_file_that_cannot_be_read_is_told_and_the_others_are_shown(project: Project, capfd: Printed):
    project.documents(a="", b="two")
    assert project.run("text", "in/a.txt", "in/b.txt") == 1
    printed = capfd.readouterr()
    assert "==> in/b.txt <==\ntwo\n" in printed.out
    assert printed.err == "in/a.txt: the file is empty\n"


@pytest.mark.parametrize(
    ("missing", "said"),
    {
        "in/none.txt": "matches no file below",
        "in/*.pdf": "matches no file below",
        "nowhere/*": "there is no directory",
        "in": "is a directory: write in/* for its files",
        "ftp://example/x": "documents: 'ftp://",
    }.items(),
)
def test_what_matches_nothing_exits_with_2_before_anything_is_shown(
    project: Project, capfd: Printed, missing: str, said: str
):
    project.documents(a="one")
    assert project.run("text", "in/a.txt", missing) == 2
    printed = capfd.readouterr()
    assert printed.out == ""
    assert said in printed.err


def test_no_file_at_all_exits_with_2(project: Project):
    assert project.run("text") == 2


def test_a_file_is_found_by_its_very_name_before_it_is_a_glob(project: Project, capfd: Printed):
    for name in ("scan[1].txt", "scan1.txt"):
        Path(name).write_text(name)
    assert project.run("text", "scan[1].txt") == 0
    assert capfd.readouterr().out == "scan[1].txt\n"


def test_objects_of_a_store_are_read_as_a_pipelines_are(project: Project, capfd: Printed):
    files: Any = fsspec.filesystem("memory")
    files.store.clear()
    files.pipe("/box/in/a.txt", b"far away")
    assert project.run("text", "memory://box/in/*.txt", "--json") == 0
    told = json.loads(capfd.readouterr().out)
    assert (told["uri"], told["text"]) == ("memory://box/in/a.txt", "far away")


def test_a_terminals_cursor_is_not_the_documents(project: Project):
    project.documents(a="\u202eevil\u00a0text")
    ours, theirs = pty.openpty()
    with subprocess.Popen([sys.executable, "-m", "docmill", "text", "in/a.txt"], stdout=theirs) as shown:
        os.close(theirs)
        assert os.read(ours, 1000).decode() == " evil text\r\n"
    assert shown.returncode == 0


@pytest.mark.slow
def test_it_imports_no_prefect_and_reads_the_samples(project: Project):
    Path("a.pdf").write_bytes(pdf("Invoice 7"))
    files = ["a.pdf", *map(str, sorted((SAMPLES / "inbox").iterdir()))]
    codes, printed = without_prefect(["text", "--json", *files])
    assert codes == [0]
    told = [json.loads(line) for line in printed.splitlines()]
    assert [each["uri"] for each in told] == [Path(file).absolute().as_uri() for file in files]
    assert all(each["text"].strip() and each["error"] is None for each in told)


def test_help_lists_it(project: Project, capfd: Printed):
    assert "text" in COMMANDS
    assert project.run("--help") == 0
    assert "Print the text of files as a step would send it" in capfd.readouterr().out
