"""Where the cache lies: a directory or a database, and nothing by mistake."""

import pytest

from docmill.schemas.errors import ConfigError
from docmill.tasks.chat.places import default_database, default_directory


@pytest.mark.parametrize(
    "named", ["postgresql+psycopg2://u:secret@h/db", "POSTGRESQL://u:secret@h/db", "redis://:secret@h"]
)
def test_another_url_is_no_directory_and_is_not_quoted(monkeypatch: pytest.MonkeyPatch, named: str):
    monkeypatch.setenv("DOCMILL_CACHE", named)
    for place in (default_directory, default_database):
        with pytest.raises(ConfigError, match="DOCMILL_CACHE: takes a directory, or a URL") as told:
            place()
        assert "secret" not in str(told.value)


@pytest.mark.parametrize("named", ["/srv/cache", "of:/mine"])
def test_a_path_is_a_directory(monkeypatch: pytest.MonkeyPatch, named: str):
    monkeypatch.setenv("DOCMILL_CACHE", named)
    assert default_database() is None
