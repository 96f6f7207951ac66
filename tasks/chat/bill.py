"""The bill of a request: the most that an attempt at it may cost, and what is booked for it."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass, field, replace

from docmill.schemas.chat import Reply
from docmill.schemas.endpoint import Target
from docmill.schemas.errors import Deferred, InvalidReply, MaybeBilled
from docmill.schemas.outcome import Tally
from docmill.tasks.chat.prices import cost_usd
from docmill.tasks.chat.purse import Reservation
from docmill.tasks.chat.session import Caller, Session
from docmill.tasks.chat.telemetry import booked as counted
from docmill.tasks.chat.usage import Allowed, Tokens, billed, tokens_of
from docmill.tasks.checks.request import BYTES_PER_TOKEN

TOOLS_TOKENS = 1000  # what servers write into a prompt that offers tools, at most


def most_usd(target: Target, allowed: Allowed, *, tools: bool, beyond: int = 0) -> float | None:
    """Price the most that an attempt may cost: a token has at least a byte. None where there is no price.

    All of the prompt may go into the server's cache, which can cost more than reading it. `beyond` are the
    tokens that a model has reasoned with on top of max_tokens.
    """
    prompt, answer = allowed.request_bytes + TOOLS_TOKENS * tools, allowed.answer_tokens + beyond
    costs = [cost_usd(target, Tokens(prompt, answer, kept=kept)) for kept in (0, prompt)]
    return max((cost for cost in costs if cost is not None), default=None)


@dataclass
class Bill:
    """What the attempts at one request cost: the step of a document that asks, and the run's purse.

    `booked` is what the last of them came to.
    """

    session: Session
    caller: Caller
    target: Target
    allowed: Allowed
    tools: bool
    booked: Tally = field(default_factory=Tally)
    _reservation: Reservation | None = None
    _header_usd: float | None = None

    @asynccontextmanager
    async def reserved(self) -> AsyncIterator[None]:
        """Reserve the most that an attempt may cost while it is made, where the run has a budget.

        Raises Deferred where the budget does not hold it. What came and could not be read is booked: it was
        paid for all the same.
        """
        try:
            async with self._reserved() as self._reservation:
                yield
        except (MaybeBilled, InvalidReply) as error:
            self.guess(int(isinstance(error, InvalidReply)))
            raise

    def _reserved(self) -> AbstractAsyncContextManager[Reservation | None]:
        purse, beyond = self.session.purse, self.session.beyond.get(self.target.model, 0)
        if purse is None:
            return nullcontext()
        most = most_usd(self.target, self.allowed, tools=self.tools, beyond=beyond)
        if most is None:
            raise Deferred(f"no price is known for the model {self.target.model}, and the run has a budget")
        return purse.reserved(most)

    def attempted(self) -> None:
        """Book that a request is sent."""
        if self._reservation:
            self._reservation.sent = True
        self.session.book(self.caller, Tally(attempts=1))

    def heard(self, headers: Mapping[str, str]) -> None:
        """Take the cost in USD that a server's header names, where it books money itself."""
        self._header_usd = billed(headers.get("x-cost"))

    def paid(self, reply: Reply) -> Tokens:
        """Book what a reply took, and give it."""
        tokens = tokens_of(reply, self.allowed)
        if tokens.billed_usd is None:
            tokens = replace(tokens, billed_usd=self._header_usd)
        beyond = tokens.completion - self.allowed.answer_tokens
        if beyond > self.session.beyond.get(self.target.model, 0):
            self.session.beyond[self.target.model] = beyond
        self._book(1, tokens)
        return tokens

    def guess(self, calls: int) -> None:
        """Book what may have been paid for without a reply that could be read."""
        prompt = self.allowed.request_bytes // BYTES_PER_TOKEN
        self._book(calls, Tokens(prompt, self.allowed.answer_tokens, estimated=True))

    def _book(self, calls: int, tokens: Tokens) -> None:
        """Book so many replies; of a guess the purse keeps what was reserved."""
        cost = cost_usd(self.target, tokens)
        self.session.priced |= tokens.billed_usd is None
        is_guess = tokens.estimated and tokens.billed_usd is None
        if self._reservation:
            self._reservation.settle(None if is_guess else cost)
        self.booked = Tally(
            calls=calls,
            prompt_tokens=tokens.prompt,
            completion_tokens=tokens.completion,
            cached_tokens=tokens.cached,
            reasoning_tokens=tokens.reasoning,
            cost_usd=cost,
            cost_estimated=is_guess,
        )
        self.session.book(self.caller, self.booked)
        counted(self.target, self.booked)
