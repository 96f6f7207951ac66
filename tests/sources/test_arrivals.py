"""Which documents an event may name: those that the pipeline's own pattern matches, and no others."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docmill.schemas.document import Sight
from docmill.schemas.errors import ConfigError, Unreadable
from docmill.tasks.sources.arrivals import Arrivals, Outside, located
from docmill.tasks.sources.files import FileRef, Files, listed
from tests.support.project import Project

PATTERNS = ("in/*.txt", "in/deep/**/*.md")


@pytest.fixture
def inbox(project: Project) -> Path:
    project.documents(a="text of a", b="text of b")
    for name in ("in/.hidden.txt", "in/c.csv", "in/deep/x/y/d.md", "in/deep/.secret/e.md", "out/f.txt"):
        file = project.root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("text")
    (project.root / "in/deep/linked").symlink_to(project.root / "out")
    (project.root / "in/link.txt").symlink_to(project.root / "out/f.txt")
    return project.root


@pytest.mark.parametrize(
    "name",
    [
        "in/a.txt",
        "./in/../in/a.txt",
        "{root}/in/a.txt",
        "file://{root}/in/a.txt",
        "file:{root}/in/a.txt",
        "file://localhost{root}/in/%61.txt",
    ],
)
def test_a_document_may_be_named_by_its_path_or_its_uri(inbox: Path, name: str):
    assert located(name.format(root=inbox), PATTERNS, inbox) == next(listed(["in/a.txt"]))


@pytest.mark.parametrize(
    "name",
    [
        "in/c.csv",
        "in/.hidden.txt",
        "in/deep/.secret/e.md",
        "in/deep/linked/f.md",
        "out/f.txt",
        "in/../out/f.txt",
        "/etc/passwd",
        "file:///etc/passwd",
        "file://elsewhere{root}/in/a.txt",
        "https://example.com/in/a.txt",
        "s3://bucket/in/a.txt",
        "in",
        "in/",
        "",
        "in/a.txt\0",
        "\n",
        "file://[",
        "in/\ud800.txt",
        "x" * 5000,
    ],
)
def test_another_is_outside_and_never_opened(inbox: Path, name: str):
    ref = located(name.format(root=inbox), PATTERNS, inbox)
    assert isinstance(ref, Outside)
    assert (ref.document_id.isprintable(), len(ref.document_id) <= 1000) == (True, True)
    with pytest.raises(Unreadable, match="outside the pipeline's source"):
        ref.read()


def test_a_file_that_is_gone_is_of_the_source_and_says_so(inbox: Path):
    with pytest.raises(Unreadable, match="the file is gone"):
        located("in/gone.txt", PATTERNS, inbox).read()


def test_a_document_named_twice_is_one(inbox: Path):
    arrivals = Arrivals(Files(PATTERNS), ("in/a.txt", "in/b.txt", f"file://{inbox}/in/a.txt", "in/a.txt"))
    with arrivals.opened() as refs:
        assert [ref.document_id for ref in refs] == ["in/a.txt", "in/b.txt"]
    assert arrivals.count() == 2


def test_a_source_that_is_not_there_is_a_wrong_configuration(project: Project):
    with (
        pytest.raises(ConfigError, match="there is no directory"),
        Arrivals(Files(("in/*",)), ("x",)).opened(),
    ):
        pass


NAMES = st.sampled_from(["a.txt", "b.md", ".h.txt", "x", "y"])
PARTS = st.sampled_from(["*", "**", "*.txt", "x", "y", "a.txt", ".*", "?"])


@given(
    paths=st.lists(st.lists(NAMES, min_size=1, max_size=3).map("/".join), min_size=1, max_size=6),
    patterns=st.lists(st.lists(PARTS, min_size=1, max_size=3).map("/".join), min_size=1, max_size=2),
    asked=st.lists(NAMES, min_size=1, max_size=3).map("/".join),
)
def test_what_is_located_is_what_is_listed(
    tmp_path_factory: pytest.TempPathFactory, paths: list[str], patterns: list[str], asked: str
):
    root = tmp_path_factory.mktemp("tree")
    for each in paths:
        file = root / "top" / each
        if any(parent.is_file() for parent in file.parents) or file.is_dir():
            continue
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("text")
    below = [f"top/**/{pattern}" for pattern in patterns]
    (root / "top").mkdir(exist_ok=True)
    found = {file.path for file in listed(below, root)}
    ref = located(f"top/{asked}", below, root)
    path = root / "top" / asked
    assert (isinstance(ref, FileRef) and path.is_file()) == (path in found)


def test_what_arrives_has_its_pictures_read_as_the_pipeline_says(inbox: Path):
    sight = Sight(ocr="off", shown=True)
    with Arrivals(Files(PATTERNS, sight=sight), ("in/a.txt",)).opened() as refs:
        [ref] = refs
    assert isinstance(ref, FileRef)
    assert ref.sight == sight
