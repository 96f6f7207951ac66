"""A provider's rule that enforces requests and tokens a window, as it counts them, with 429s."""

import time
from collections import deque

from tests.support.connection import Reply, Request
from tests.support.shapes import completion, rate_limited, written


class Enforcing:
    """Refuses what is over a limit; counts in sliding windows, or in windows of the clock (`calendar`).

    `told` sends the limits in x-ratelimit headers. `taken` lists when each came, with its tokens.
    """

    def __init__(
        self, window_s: float, requests: int, tokens: int, *, calendar: bool = False, told: bool = False
    ) -> None:
        self.window_s, self.requests, self.tokens = window_s, requests, tokens
        self.refused = 0
        self.taken: list[tuple[float, int]] = []
        self._calendar = calendar
        self._told = told
        self._window: deque[tuple[float, int]] = deque()

    def __call__(self, request: Request) -> Reply:
        """Answer a request, or refuse it."""
        now = time.monotonic()
        began = now - now % self.window_s if self._calendar else now - self.window_s
        while self._window and self._window[0][0] < began:
            self._window.popleft()
        answer = completion(request)
        tokens = answer["usage"]["total_tokens"]
        limits = {
            "x_ratelimit_limit_requests": str(self.requests),
            "x_ratelimit_limit_tokens": str(self.tokens),
        }
        headers = limits if self._told else {}
        used = sum(tokens for _, tokens in self._window)
        if len(self._window) >= self.requests or used + tokens > self.tokens:
            self.refused += 1
            return rate_limited("0.2", **headers)
        self._window.append((now, tokens))
        self.taken.append((now, tokens))
        return written(answer, 200, **headers)
