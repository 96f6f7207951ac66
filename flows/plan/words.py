"""A plan in words: how the documents stand, and the whole in one line."""

from collections.abc import Iterator, Sequence

from docmill.flows.pipeline.plan import Plan
from docmill.flows.plan.amounts import Span
from docmill.flows.plan.forecast import PlannedRun
from docmill.schemas.money import dollars
from docmill.schemas.outcome import many

MOST_NAMED = 5
TO_RUN = {"new": "new", "changed": "changed", "not_done": "not done before"}
STAY = {"unchanged": "unchanged", "quarantined": "quarantined", "unreadable": "cannot be read"}


def documents(planned: PlannedRun) -> Iterator[str]:
    """Say how the documents stand, and why some are to be run, a line each."""
    told = [f"{count:,} {said}" for name, said in (TO_RUN | STAY).items() if (count := planned.counts[name])]
    listed = many(planned.documents, "document")
    yield f"{listed}: {', '.join(told)}" if told else listed
    if planned.more:
        yield f"  or up to {planned.more:,} more: a model has to look at pages to tell what files hold"
    yield from (f"  {count:,} because {why}" for why, count in planned.why.items() if why != "new")
    if beyond := planned.beyond_budget:
        yield f"  {beyond_budget(beyond)}"


def beyond_budget(documents: Sequence[str]) -> str:
    """Say which documents no run sends, as one call of them may cost more than the whole budget."""
    more = f" and {len(documents) - MOST_NAMED:,} more" if len(documents) > MOST_NAMED else ""
    named = f"{', '.join(documents[:MOST_NAMED])}{more}"
    return f"{len(documents):,} deferred, as one call may cost more than the whole budget: {named}"


def whole(plan: Plan, planned: PlannedRun) -> str:
    """Say in one line what the run comes to."""
    estimate, to_run = planned.estimate, planned.to_run()
    if not to_run:
        return "nothing to run: no call, $0"
    parts = [
        f"{many(to_run, 'document')} to run",
        f"{number(estimate.calls)} calls to pay{_about(estimate.calls)}",
        f"{number(estimate.cached_calls)} from the cache",
        usd(estimate.cost_usd) + _budget(plan, estimate.cost_usd),
        minutes(estimate.minutes),
    ]
    return ", ".join(parts)


def _about(span: Span) -> str:
    """Say what is likely of a number that is not known."""
    return "" if round(span.low) == round(span.high) else f" (likely {round(span.likely):,})"


def number(span: Span) -> str:
    """Write a count, from low to high where it is not known."""
    low, high = round(span.low), round(span.high)
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def usd(span: Span | None) -> str:
    """Write an amount of money; None is a price that is not known."""
    if span is None:
        return "no price known"
    low, high = (dollars(each, beside=span.high) for each in (span.low, span.high))
    return high if low == high else f"{low} to {high}"


def minutes(span: Span) -> str:
    """Write a time."""
    if span.high < 1:
        return "under a minute"
    low, high = round(span.low), round(span.high)
    return f"{high:,} min" if low == high else f"{low:,} to {high:,} min"


def _budget(plan: Plan, cost: Span | None) -> str:
    """Say where the budget does not hold the run, or may not."""
    if plan.budget is None or cost is None or cost.high <= (least := float(plan.budget.least())):
        return ""
    return f" (the budget of {dollars(least)} {'does not' if cost.low > least else 'may not'} hold it)"
