"""Where a webhook may lead: https, a host that is allowed, and no password."""

import os

import pytest

from docmill.schemas.errors import ConfigError
from docmill.tasks.chat.webhook import SECRET, secret_for

WRONG = {
    "plain http in capitals": ("HTTP://hooks.example/x", "notify.url: must be https:// and name a host"),
    "plain http behind a blank": (" http://hooks.example/x", "notify.url: must be https:// and name a host"),
    "another scheme": ("ftp://hooks.example/x", "notify.url: must be https:// and name a host"),
    "no scheme": ("//hooks.example/x", "notify.url: must be https:// and name a host"),
    "a port that is none": ("https://hooks.example:0/x", "notify.url: must be https:// and name a host"),
    "a password": ("https://u:hidden@hooks.example/x", "notify.url: must hold no user and no password"),
    "a token as a user": ("https://hidden@hooks.example/x", "notify.url: must hold no user and no password"),
    "a broken address": ("https://u:hidden@[h/x", "notify.url: is no URL that can be posted to"),
    "a password as a port": ("https://u:hidden/x", "notify.url: is no URL that can be posted to"),
}


@pytest.mark.parametrize(("url", "said"), WRONG.values(), ids=WRONG)
def test_a_url_that_is_not_safe_is_refused_and_not_repeated(
    monkeypatch: pytest.MonkeyPatch, url: str, said: str
):
    monkeypatch.setenv(SECRET, "s")
    with pytest.raises(ConfigError) as raised:
        secret_for(url)
    assert str(raised.value).startswith(said)
    assert "hidden" not in str(raised.value)


def test_a_secret_is_taken_as_it_stands(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(SECRET, os.fsdecode(b"\xff"))
    assert secret_for("https://hooks.example/x") == b"\xff"


@pytest.mark.parametrize("url", ["HTTPS://hooks.example/x", "http://127.0.0.1:9/x", "http://localhost/x"])
def test_https_and_this_machine_are_taken(monkeypatch: pytest.MonkeyPatch, url: str):
    monkeypatch.setenv(SECRET, "s")
    assert secret_for(url) == b"s"
