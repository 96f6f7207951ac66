"""What a signal does to a run that was cancelled: Prefect's worker sends one of its own."""

import asyncio
import os
import signal
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from prefect.states import Cancelling

from docmill.flows.observe.observer import Observer
from docmill.flows.run import stop
from docmill.flows.run.stop import Stop


class Cancelled:
    """A client of a server on which every flow run is being cancelled."""

    async def __aenter__(self) -> "Cancelled":
        return self

    async def __aexit__(self, *_: object) -> None: ...

    async def read_flow_run(self, _: object) -> Any:
        return SimpleNamespace(state=Cancelling())


@pytest.mark.parametrize("cancelled", [True, False])
async def test_the_second_signal_ends_a_run_and_the_first_after_a_cancel_does_not(
    monkeypatch: pytest.MonkeyPatch, cancelled: bool
):
    told = list[str]()
    session = SimpleNamespace(stop=lambda _: told.append("stop"), abort=lambda: told.append("abort"))
    monkeypatch.setattr(stop, "get_client", Cancelled)
    monkeypatch.setattr(stop, "AT_ONCE_S", 0.0)
    own = Stop(Observer())
    monkeypatch.setattr(own, "_end", lambda: told.append("end"))
    with own.installed(), own.stopping(session):  # type: ignore[arg-type]
        if cancelled:
            await own.look(str(uuid4()))
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.sleep(0.1)
        assert told == ["stop"]
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.sleep(0.1)
    assert told == ["stop", "abort", "end"]
