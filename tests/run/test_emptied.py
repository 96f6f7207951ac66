"""Folders of which nothing is listed any more: what was in them may only be away."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from docmill.flows.run.emptied import Emptied
from docmill.flows.run.gone import Seen
from docmill.tasks.sources.bundles import Bundles
from docmill.tasks.sources.files import Files

DOCUMENTS = ("mnt/a/in/1.txt", "mnt/b/in/1.txt", "mnt/b/in/2.txt", "mnt/b/in/below/3.txt")


@pytest.fixture
def mounts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two folders with documents, in the working directory."""
    monkeypatch.chdir(tmp_path)
    for name in DOCUMENTS:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    return tmp_path / "mnt"


def away(*names: str, pattern: str = "mnt/*/in/**/*.txt", for_good: tuple[str, ...] = ()) -> list[str]:
    """List the source, and say which of these documents are but away."""
    files = Files((pattern,))
    with Bundles(files, None).opened() as refs:
        seen = Seen(refs)
        list(seen)
    emptied = Emptied(files, seen.shown, for_good)
    found = [name for name in names if emptied.has(name)]
    assert bool(found) == bool(emptied.told())
    return found


def emptied(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.mkdir()


def marked(folder: Path) -> None:
    shutil.rmtree(folder / "in")
    (folder / "in").mkdir()
    (folder / "in" / ".mounted-nowhere").write_text("")


@pytest.mark.parametrize("unmount", [emptied, shutil.rmtree, marked], ids=["empty", "absent", "a stray file"])
def test_what_was_in_a_folder_of_which_nothing_is_listed_may_only_be_away(
    mounts: Path, unmount: Callable[[Path], None]
):
    (mounts / "a/in/2.txt").write_text("other")
    (mounts / "a/in/1.txt").unlink()
    unmount(mounts / "b")
    of_scan = "mnt/b/in/2.txt#pages=1-2"
    assert away(*DOCUMENTS, of_scan) == [*DOCUMENTS[1:], of_scan]


def test_a_document_is_gone_where_others_of_its_folder_or_below_it_are_listed(mounts: Path):
    for name in DOCUMENTS[1:3]:
        Path(name).unlink()
    assert away(*DOCUMENTS[1:3]) == []


def test_what_the_pipeline_would_list_there_no_longer_is_gone(mounts: Path):
    assert away(DOCUMENTS[1], "s3://bucket/b/1.txt", pattern="mnt/a/in/*.txt") == []


@pytest.mark.parametrize("folder", ["mnt/b", "mnt/b/", "mnt/b/in/..", "mnt"])
def test_a_folder_that_a_person_says_is_gone_for_good_is_gone(mounts: Path, folder: str):
    shutil.rmtree(mounts / "b")
    assert away(*DOCUMENTS, for_good=(folder,)) == []


def test_folders_are_told_by_the_uppermost_with_what_to_type(mounts: Path):
    shutil.rmtree(mounts / "b")
    (mounts / "c d").mkdir()
    files = Files(("mnt/*/in/**/*.txt",))
    with files.opened() as refs:
        seen = Seen(refs)
        list(seen)
    found = Emptied(files, seen.shown, ())
    assert all(map(found.has, (*DOCUMENTS[1:], "mnt/c d/in/1.txt", DOCUMENTS[1])))
    assert found.told() == (
        "4 documents are not taken as gone: nothing is listed any more of mnt/b, mnt/c d, which may "
        "not be mounted. Where that is gone for good: run once more with --gone mnt/b --gone 'mnt/c d'"
    )
