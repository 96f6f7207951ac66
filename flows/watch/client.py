"""Prefect's client as `watch` uses it: one question at a time, which fails soon."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx

Ask = Callable[[str, str, Any], httpx.Response]


@contextmanager
def asking(api_url: str) -> Iterator[Ask]:
    """Give the way to ask a server: method, path, body; raises HTTPError for all but a good answer."""
    from prefect.client.orchestration import get_client
    from prefect.settings import PREFECT_API_URL, PREFECT_CLIENT_MAX_RETRIES, temporary_settings

    # Prefect's own retries would wait for half a minute before anything is said.
    given = {PREFECT_API_URL: api_url, PREFECT_CLIENT_MAX_RETRIES: 0}
    with temporary_settings(given), get_client(sync_client=True) as client:

        def ask(method: str, path: str, body: Any) -> httpx.Response:
            try:
                return client.request(method, path, json=body)  # type: ignore[arg-type]
            except ValueError:  # its first question, for a token, was answered with no JSON
                raise httpx.HTTPError("what answers is no Prefect server") from None

        yield ask
