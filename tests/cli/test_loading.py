"""What a command loads is nothing to the garbage collector."""

import gc
from collections.abc import Iterator

import pytest

from docmill.flows.cli import output
from docmill.flows.cli.loading import loading


@pytest.fixture(autouse=True)
def _unfrozen() -> Iterator[None]:
    yield
    gc.unfreeze()


def test_what_is_loaded_is_never_looked_at_again(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(output, "is_program", True)
    with loading():
        assert not gc.isenabled()
        loaded = [object()]
    assert gc.isenabled()
    assert gc.get_freeze_count() > 0
    assert not any(each is loaded for each in gc.get_objects())


def test_the_collector_goes_on_where_loading_fails(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(output, "is_program", True)
    with pytest.raises(ImportError), loading():
        raise ImportError
    assert gc.isenabled()


def test_a_process_of_others_keeps_its_collector_as_it_was():
    with loading():
        assert gc.isenabled()
    assert gc.get_freeze_count() == 0
