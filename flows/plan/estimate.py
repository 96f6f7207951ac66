"""From counted calls to tokens, money and minutes, each from low to high, with what was assumed."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from docmill.flows.pipeline.plan import Plan
from docmill.flows.plan.amounts import Amounts, Calls, Span, exactly
from docmill.flows.plan.history import FEWEST_CALLS, History
from docmill.flows.plan.requests import Read
from docmill.tasks.chat.pace import rates_of
from docmill.tasks.chat.prices import cost_usd
from docmill.tasks.chat.usage import Tokens

TOKENS_A_BYTE = Span(1 / 6, 1 / 4, 1 / 2)  # of texts in any language, until a model's own is known
AROUND = (0.93, 1.0, 1.07)  # of what the cache's replies come to
ALIKE = 0.25  # bodies whose mean size differs by less have as many tokens a byte
TOOL_TOKENS = Span(0, 100, 600)  # a call, that servers write into a prompt with tools
LABELS = "labels that are not known yet may be any; what is likely goes by those stored so far"
WRITTEN = Span(0.1, 0.3, 1)  # of max_tokens, where no reply is known
SECONDS_A_CALL = Span(1, 3, 15)  # until a run has shown it


@dataclass(frozen=True)
class StepEstimate:
    """What one step asks of one model; `cost_usd` is None where there is no price."""

    step: str
    model: str
    calls: Span
    cached_calls: Span
    prompt_tokens: Span
    completion_tokens: Span
    cost_usd: Span | None

    def written(self) -> dict[str, Any]:
        """Write it for JSON."""
        return {"step": self.step, "model": self.model, **numbers(self)}


@dataclass(frozen=True)
class Estimate:
    """What a run asks in all; `assumed` says what was not known."""

    steps: tuple[StepEstimate, ...]
    calls: Span
    cached_calls: Span
    prompt_tokens: Span
    completion_tokens: Span
    cost_usd: Span | None
    minutes: Span
    assumed: tuple[str, ...] = field(default=())

    def likely(self) -> dict[str, float | None]:
        """Give what is most likely of what is from low to high."""
        cost = None if self.cost_usd is None else round(self.cost_usd.likely, 6)
        return {"calls": round(self.calls.likely), "cost_usd": cost}


def numbers(of: StepEstimate | Estimate) -> dict[str, Any]:
    """Write calls, tokens and cost for JSON: a number each, or `[low, high]`."""
    names = ("calls", "cached_calls", "prompt_tokens", "completion_tokens")
    told = {name: getattr(of, name).written() for name in names}
    return {**told, "cost_usd": None if of.cost_usd is None else of.cost_usd.written(6)}


@dataclass
class Estimator:
    """Prices what was counted; `read` is what the cache's replies have shown."""

    plan: Plan
    past: History
    read: Mapping[tuple[str, str], Read]
    assumed: dict[str, None] = field(default_factory=dict)  # in order, each once

    def estimate(self, amounts: Amounts) -> Estimate:
        """Give the estimate of a run."""
        order = {step.id: place for place, step in enumerate(self.plan.every_step())}
        keys = sorted(amounts, key=lambda key: (order[key[0]], key[1]))
        steps = tuple(self._step(*key, amounts[key]) for key in keys)
        calls = _sum(each.calls for each in steps)
        if calls.high:
            self._assume(
                "no repairs: an invalid reply, rows left out and a broken rule are asked about once more"
            )
        if calls.low != calls.high:
            self._assume(LABELS if self.past.shares else "labels that are not known yet may be any")
        prompt = _sum(each.prompt_tokens for each in steps)
        completion = _sum(each.completion_tokens for each in steps)
        return Estimate(
            steps,
            calls,
            _sum(each.cached_calls for each in steps),
            prompt,
            completion,
            self._costs(steps),
            self._minutes(calls, prompt + completion),
            tuple(self.assumed),
        )

    def _assume(self, what: str) -> None:
        self.assumed[what] = None

    def _costs(self, steps: Sequence[StepEstimate]) -> Span | None:
        unpriced = dict.fromkeys(each.model for each in steps if each.cost_usd is None)
        if unpriced:
            self._assume(
                f"no price is known for {', '.join(unpriced)}: give the endpoint as a mapping with `prices`"
            )
            return None
        return _sum(each.cost_usd for each in steps if each.cost_usd is not None)

    def _step(self, step_id: str, model: str, calls: Calls) -> StepEstimate:
        prompt, completion = self._prompt((step_id, model), calls), self._completion(step_id, model, calls)
        cost = self._cost(model, calls.paid, prompt, completion)
        return StepEstimate(step_id, model, calls.paid, calls.cached, prompt, completion, cost)

    def _prompt(self, key: tuple[str, str], calls: Calls) -> Span:
        """Estimate the tokens that the bodies come to, by the replies of the same step in the cache."""
        read = self.read.get(key)
        if not calls.paid.high:
            return Span()
        if read is not None and read.replies >= FEWEST_CALLS:
            if fitted := read.fitted():
                a_byte, a_request = (max(0.0, each) for each in fitted)
                tokens = calls.read_bytes.by(exactly(a_byte)) + calls.paid.by(exactly(a_request))
                return tokens.times(*AROUND)
            mean = calls.read_bytes.high / calls.paid.high
            if abs(mean * read.replies / read.bytes - 1) < ALIKE:
                return calls.read_bytes.by(exactly(read.tokens / read.bytes)).times(*AROUND)
        self._assume("a token is 2 to 6 bytes of a request: no replies in the cache tell more")
        return calls.read_bytes.by(TOKENS_A_BYTE) + calls.paid.by(TOOL_TOKENS)

    def _completion(self, step_id: str, model: str, calls: Calls) -> Span:
        known = self.past.tokens.get((step_id, model))
        mean = known.mean() if known else None
        if mean is not None:
            return calls.paid.by(mean)
        if calls.paid.high:
            self._assume(f"replies of {step_id} take a tenth of max_tokens to all of it: no run has shown it")
        return calls.may_write.by(WRITTEN)

    def _cost(self, model: str, paid: Span, prompt: Span, completion: Span) -> Span | None:
        """Price the calls, each as the mean of all: some prices depend on a call's size."""
        target, costs = self.plan.target.model_copy(update={"model": model}), []
        for name in ("low", "likely", "high"):
            made = max(1.0, getattr(paid, name))
            means = (round(getattr(tokens, name) / made) for tokens in (prompt, completion))
            usd = cost_usd(target, Tokens(*means))
            if usd is None:
                return None
            costs.append(usd * made)
        return Span(*costs)

    def _minutes(self, calls: Span, tokens: Span) -> Span:
        """Say how long it takes: as long as the calls do, or as the limits a minute let them."""
        held = rates_of(self.plan.limits).smaller(rates_of(self.plan.target.endpoint))
        by_limits = (calls.over(held.requests), tokens.over(held.tokens))
        return self._at_this_pace(calls).at_least(*by_limits)

    def _at_this_pace(self, calls: Span) -> Span:
        if (pace := self.past.calls_a_minute) is not None:
            return calls.times(0.7 / pace, 1 / pace, 1.5 / pace)
        if calls.high:
            told = f"{SECONDS_A_CALL.low:.0f} to {SECONDS_A_CALL.high:.0f} s"
            self._assume(f"a call takes {told}, {self.plan.concurrency} at a time: no run has shown it")
        return calls.by(SECONDS_A_CALL).over(60 * self.plan.concurrency)


def _sum(spans: Iterable[Span]) -> Span:
    return sum(spans, Span())
