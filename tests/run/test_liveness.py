"""A run is alive as long as its process holds its lock; to ask takes nothing from it."""

import pytest

from docmill.flows.run.liveness import is_alive, kept_alive
from docmill.tasks.chat.kept import default_cache


@pytest.mark.usefixtures("cache")
def test_a_run_of_this_process_is_alive_however_often_it_is_asked():
    held = default_cache()
    with kept_alive("r", held, is_part=False):
        assert [is_alive("r", held) for _ in range(2)] == [True, True]
        assert not is_alive("another", held)
    assert not is_alive("r", held)
