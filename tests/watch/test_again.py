"""What nobody took up is announced again as soon as somebody does: it has not to wait for `--again-after`."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import httpx
import pytest

from docmill.flows.server.launch import Server
from docmill.flows.watch import takers, watch
from docmill.flows.watch.client import Ask
from docmill.flows.watch.inbox import Inbox
from docmill.schemas.pipeline import Into


class Told:
    """Keeps how many documents each announcement had."""

    def __init__(self) -> None:
        self.announced_of: list[int] = []

    def say(self, message: str) -> None:
        """Take a line about what is waited for."""

    def announced(self, event_id: str, documents: int, occurred: datetime) -> None:
        self.announced_of.append(documents)


def test_what_nobody_took_up_is_announced_once_somebody_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    @contextmanager
    def asking(_: str) -> Iterator[Ask]:
        yield lambda *_: httpx.Response(204)

    why: list[str] = []
    monkeypatch.setattr(watch, "asking", asking)
    monkeypatch.setattr(takers, "why_nobody", lambda *_: why[-1])
    monkeypatch.setattr(takers, "LOOK_EVERY_S", 0.0)
    (tmp_path / "a.txt").write_text("a")
    inbox = Inbox(str(tmp_path), ["*.txt"], tmp_path, settle_s=0)
    what = watch.Watched(inbox, "p", "p", Into(url=f"sqlite:///{tmp_path}/r.db"), str(tmp_path))
    told = Told()
    watching = watch.Watch(what, Server("http://127.0.0.1/api", own=False, directory=tmp_path), 600, told)
    for found in ("", "no deployment", "no deployment", "", ""):
        why.append(found)
        watching.look(set())
        watching.announce()
        watching.look_for_takers()
        watching.announce()
    assert told.announced_of == [1, 1]
