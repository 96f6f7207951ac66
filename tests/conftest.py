"""Fixtures of all tests; the Prefect server's comes first, as it sets what Prefect reads at import."""

from tests.support.prefect_server import begin_server, end_server, prefect_api  # isort: skip

import signal
from threading import Thread

import pytest
from hypothesis import settings

from tests.support.databases import database, postgres, shared
from tests.support.deploying import site
from tests.support.partly import partial
from tests.support.project import cache, project
from tests.support.provider import provider

__all__ = ["cache", "database", "partial", "postgres", "prefect_api", "project", "provider", "shared", "site"]

# A busy machine is no failure; the suite's own timeout ends what hangs. Each run has the same examples: what
# passed here passes in CI. `pytest --hypothesis-profile explore` looks for others.
settings.register_profile("docmill", deadline=None, derandomize=True)
settings.register_profile("explore", deadline=None, max_examples=1000)
settings.load_profile("docmill")

SLOW_TIMEOUT_S = 420

# A shell that starts the tests in the background has them ignore it, and so would what they start: a
# worker of Prefect's ends itself by it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

BEGINNING: list[Thread] = []


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give the full-scale tests, which start servers and workers, longer until they are ended."""
    for item in items:
        if item.get_closest_marker("slow") and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(SLOW_TIMEOUT_S))
    asking = {item.path for item in items if _asks_prefect(item)}
    items.sort(key=lambda item: item.path in asking)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Start the Prefect server beside the tests that do not ask it: they come first."""
    if any(map(_asks_prefect, session.items)) and not session.config.option.collectonly:
        BEGINNING.append(Thread(target=begin_server))
        BEGINNING[0].start()


def pytest_sessionfinish() -> None:
    """Wait for the start, of which a short session has seen nothing: it would leave a server behind."""
    for thread in BEGINNING:
        thread.join()


def _asks_prefect(item: pytest.Item) -> bool:
    return "prefect_api" in getattr(item, "fixturenames", ())


def pytest_unconfigure() -> None:
    """End the Prefect server when every process of the session is through."""
    end_server()
