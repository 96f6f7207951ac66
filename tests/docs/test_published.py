"""The errors' tables of docs/operations.md are the code's: each error, what follows, and a remedy."""

import pytest

from docmill.schemas import errors
from docmill.schemas.errors import ChatError, DocmillError, Fatal, Unserved
from tests.support import errors_table as published
from tests.support.errors_table import LEAF, REMEDY, SAID


def _below(kind: type[DocmillError]) -> set[type[DocmillError]]:
    return {kind, *(leaf for child in kind.__subclasses__() for leaf in _below(child))}


def test_the_tables_are_current():
    """Where this fails: python -m tests.support.errors_table."""
    document = published.FILE.read_text()
    assert published.put(document) == document


def test_every_error_that_is_raised_stands_in_the_tree_and_has_a_remedy():
    raised = _below(DocmillError) - {DocmillError, ChatError}
    assert set(REMEDY) == raised
    assert {name for name, _ in LEAF.findall(errors.__doc__ or "")} - published.PARENTS == {
        kind.__name__ for kind in raised
    }


@pytest.mark.parametrize("answer", SAID)
def test_an_answer_that_is_named_stops_the_run(answer: str):
    assert type(published._said(*SAID[answer])) in (Fatal, Unserved)
