"""A part of a source: documents that are named, and a sample that stays the same."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docmill.schemas.errors import ConfigError, StorageError
from docmill.tasks.sources.confining import confined
from docmill.tasks.sources.files import FileRef, Files
from docmill.tasks.sources.selected import Selected
from docmill.tasks.sources.source import DocumentRef


class Listed:
    """A source of documents that have nothing but ids; `lost` after them."""

    def __init__(self, ids: list[str], lost: bool = False) -> None:
        self.ids, self.lost = ids, lost

    @contextmanager
    def opened(self) -> Iterator[Iterator[DocumentRef]]:
        yield self._refs()

    def _refs(self) -> Iterator[DocumentRef]:
        yield from (FileRef(each, each, Path(each)) for each in self.ids)
        if self.lost:
            raise StorageError("the connection was lost")

    def count(self) -> int | None:
        return len(self.ids)

    def described(self) -> str:
        return "in/*"

    def nothing(self) -> str:
        return "nothing"


def ids(source: Selected) -> list[str]:
    with source.opened() as refs:
        return [ref.document_id for ref in refs]


IDS = st.lists(st.text(max_size=9), unique=True, max_size=30)


@given(IDS, st.integers(1, 12))
def test_a_sample_is_so_many_in_the_order_of_the_source(names: list[str], size: int):
    source = Selected(Listed(names), sample=size)
    found = ids(source)
    assert len(found) == source.count() == min(size, len(names))
    assert found == [name for name in names if name in set(found)]


@given(IDS, st.integers(1, 12), st.randoms(use_true_random=False))
def test_a_sample_depends_on_the_ids_alone(names: list[str], size: int, random):
    other = random.sample(names, len(names))
    assert set(ids(Selected(Listed(names), sample=size))) == set(ids(Selected(Listed(other), sample=size)))


@given(IDS, st.integers(1, 12), st.text(max_size=9))
def test_a_document_that_is_added_changes_a_sample_by_one_at_most(names: list[str], size: int, new: str):
    before = set(ids(Selected(Listed(names), sample=size)))
    after = set(ids(Selected(Listed([*names, *({new} - set(names))]), sample=size)))
    assert len(before - after) <= 1


def test_named_documents_are_taken_alone():
    source = Selected(Listed(["a", "b", "c"]), ids=("c", "a", "c"))
    assert ids(source) == ["a", "c"]
    assert source.count() == 2


def test_a_name_that_the_source_does_not_have_is_told_with_where_it_was_looked_for():
    with pytest.raises(ConfigError, match=r"^no document of in/\* has the id 'x', 'y': "):
        ids(Selected(Listed(["a"]), ids=("a", "x", "y")))


def test_a_source_that_is_lost_before_the_sample_is_known_is_lost():
    with Selected(Listed(["a"], lost=True), sample=1).opened() as refs, pytest.raises(StorageError):
        next(refs)


def test_a_part_of_a_confined_source_is_confined(tmp_path: Path):
    source = Selected(Files(("*",)), sample=1)
    assert confined(source, (tmp_path,)) == replace(source, source=Files(("*",), below=(tmp_path,)))
