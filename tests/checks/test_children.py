"""A child's environment: what it needs, and no key and no password."""

import os

import pytest

from docmill.tasks.checks import children

SECRETS = {
    "DOCMILL_API_KEY": "sk-none",
    "DOCMILL_LOCAL_TOKEN": "sk-none",
    "DOCMILL_INTO": "postgresql://u:pw@host/d",
    "PGPASSWORD": "pw",
    "AWS_SECRET_ACCESS_KEY": "sk-none",
    "PREFECT_API_KEY": "pnu-none",
    "HTTPS_PROXY": "http://u:pw@proxy.example",
    "SUPPORT_DB_PASSWORD": "pw",
}


@pytest.mark.parametrize("allowed", [children.PREFECT_SERVER, children.MODEL, children.PARSER])
def test_no_child_gets_a_key_or_a_password(allowed: tuple[str, ...], monkeypatch: pytest.MonkeyPatch):
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    assert not SECRETS.keys() & children.environment(allowed).keys()


def test_the_server_gets_its_settings_and_where_programs_are(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PREFECT_SERVER_DATABASE_CONNECTION_URL", "sqlite+aiosqlite:///p.db")
    monkeypatch.setenv("LC_TIME", "C")
    given = children.environment(children.PREFECT_SERVER)
    assert given["PREFECT_SERVER_DATABASE_CONNECTION_URL"] == "sqlite+aiosqlite:///p.db"
    assert (given["PATH"], given["LC_TIME"]) == (os.environ["PATH"], "C")


def test_what_is_given_beside_replaces_what_is_set(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("OMP_WAIT_POLICY", "ACTIVE")
    given = children.environment(children.MODEL, OMP_WAIT_POLICY="PASSIVE")
    assert given["OMP_WAIT_POLICY"] == "PASSIVE"
