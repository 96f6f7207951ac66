"""A run's report in Markdown, as the Prefect UI shows it: with a picture of the pipeline."""

import html
import re
from collections.abc import Iterator, Mapping, Sequence

from docmill.flows.observe.highlights import Highlights
from docmill.flows.observe.sparkline import sparklines
from docmill.flows.pipeline.plan import Plan
from docmill.schemas.decision import NONE_WAITING, Waiting
from docmill.schemas.evaluate import MOST_LABELS, NO_LABEL, Verdict
from docmill.schemas.money import money, tokens_of
from docmill.schemas.outcome import Outcome, Run, listed
from docmill.schemas.shard import Shard
from docmill.schemas.timeline import Timeline, held_back
from docmill.tasks.sinks.database import shown
from docmill.tasks.sinks.typed import table_name

PUNCTUATION = re.compile(r"([\\`*_{}\[\]#!|~$^])")
# Prefect's page makes links of bare addresses too, even of escaped ones: they are cut invisibly.
ADDRESS = re.compile(r"(?i)(?:https?|ftp):(?=//)|www(?=\.)|@(?=[-\w]+\.)")
WORD_JOINER = "\u2060"
MOST_CHARS = 300


def markdown(
    plan: Plan,
    run: Run,
    highlights: Highlights,
    why: str | None,
    done_in_part: int = 0,
    waiting: Waiting = NONE_WAITING,
    verdict: Verdict | None = None,
    timeline: Timeline | None = None,
    shards: Sequence[Shard] = (),
) -> str:
    """Write what a run has come to, and every document that is not done with its reason.

    `why` is what stopped or failed it; `done_in_part` counts those done with parts unread, `waiting` those
    that wait for a person; `verdict` is what became of its labels, `timeline` what was
    done and waited for by the time, `shards` what each of the run's parts has come to. Names and reasons are
    escaped: they are not docmill's own.
    """
    lines = [
        *_head(run, why),
        *_waiting(plan, waiting),
        *_numbers(plan, run, timeline or Timeline()),
        *_time(timeline or Timeline()),
        *_shards(shards),
        *_evaluation(verdict),
        *_picture(plan),
        *_not_done(highlights),
    ]
    lines += _in_part(plan, done_in_part)
    lines += _highest(
        "Slowest", highlights.slowest(), [f"{each.seconds:.1f} s" for each in highlights.slowest()]
    )
    lines += _highest("Dearest", highlights.dearest(), [_cost(each) for each in highlights.dearest()])
    return "\n".join([*lines, *_results(plan, run), ""])


def _head(run: Run, why: str | None) -> Iterator[str]:
    yield f"# {run.pipeline}: {run.state}"
    yield f"\n**{run.counted()}**"
    if why:
        yield f"\n{escaped(why)}"


def _waiting(plan: Plan, waiting: Waiting) -> Iterator[str]:
    if waiting.in_all:
        yield f"\n{waiting}: `docmill review {plan.name}`"


def _numbers(plan: Plan, run: Run, timeline: Timeline) -> Iterator[str]:
    by_list = plan.target.endpoint.prices is None and not run.cost_booked
    cost = money(run.cost_usd, estimated=run.cost_estimated, listed=by_list)
    yield from ("\n| | |", "| --- | --- |")
    yield f"| cost | {cost} |"
    yield f"| calls paid | {run.calls:,} in {run.attempts:,} attempts, {run.cached_calls:,} from the cache |"
    yield f"| tokens | {tokens_of(run.model_dump()).replace(' tokens', '', 1)} |"
    yield f"| time | {run.seconds():,.0f} s from {run.started_at:%Y-%m-%d %H:%M:%S} UTC |"
    if held := held_back(timeline.held_back, run.seconds()):
        yield f"| limit | {held} |"
    yield f"| endpoint and model | {escaped(run.endpoint)}, {escaped(run.model)} |"
    yield f"| run | `{run.run_id}` |"


def _time(timeline: Timeline) -> Iterator[str]:
    """Draw the run's time: each line from its beginning to its end."""
    lines = [*sparklines(timeline)]
    if lines:
        yield "\n## Time\n\n```"
        width = max(len(line) for _, line, _ in lines)
        yield from (f"{title:<6} {line:<{width}}  {most}" for title, line, most in lines)
        yield "```"


def _shards(shards: Sequence[Shard]) -> Iterator[str]:
    """Write a row a shard; its flow run is a child of this one."""
    if not shards:
        return
    yield "\n## Shards\n\n| shard | state | documents | | calls paid | cost | attempts | flow run |"
    yield "| --- | --- | --- | --- | --- | --- | --- | --- |"
    for each in shards:
        cost = money(each.cost_usd, estimated=each.cost_estimated)
        counts = f"{each.documents:,} | {listed(each.counts)} | {each.calls:,}"
        yield f"| {each.shard} | {each.state} | {counts} | {cost} | {each.attempt} | `{each.flow_run_id}` |"


def _evaluation(verdict: Verdict | None) -> Iterator[str]:
    if verdict is None:
        return
    yield f"\n## Evaluation\n\nBy {escaped(verdict.labels)}:"
    yield f"{verdict.answered:,} of {verdict.documents:,} labelled documents have an answer.\n"
    yield from ("| | right |", "| --- | --- |")
    for name, share in {"labels": verdict.label, **verdict.fields}.items():
        yield f"| {escaped(name)} | {'-' if share is None else f'{100 * share:.1f} %'} |"
    yield from _confused(verdict.confusion)
    if verdict.reasons:
        yield "\n**What was asked does not hold:**\n"
        yield from (f"- {escaped(reason)}" for reason in verdict.reasons)


def _confused(counted: Mapping[str, Mapping[str, int]]) -> Iterator[str]:
    """Show which labels were taken for which, where that is a table which can be read."""
    if not 0 < len(counted) <= MOST_LABELS:
        return
    columns = [escaped(name or NO_LABEL) for name in next(iter(counted.values()))]
    yield f"\n| label, and what it was taken for | {' | '.join(columns)} |"
    yield f"| --- |{' ---: |' * len(columns)}"
    for wanted, row in counted.items():
        cells = (f"**{many:,}**" if name == wanted else f"{many:,}" for name, many in row.items())
        yield f"| {escaped(wanted)} | {' | '.join(cells)} |"


def _picture(plan: Plan) -> Iterator[str]:
    yield from ("\n## Pipeline", "\n```mermaid", "flowchart LR")
    yield f'  source[("{_quoted(plan.source.described())}")]'
    for number, step in enumerate(plan.steps):
        yield f'  s{number}["{_quoted(step.id)}"]'
    numbers = {step.id: number for number, step in enumerate(plan.steps)}
    for step in plan.steps:
        for before in step.needs or ("",):
            yield f"  {f's{numbers[before]}' if before else 'source'} --> s{numbers[step.id]}"
    tables = _tables(plan)
    for number, (step_id, table) in enumerate(tables):
        yield f'  s{numbers[step_id]} --> t{number}[("{_quoted(table)}")]'
    yield "```"


def _not_done(highlights: Highlights) -> Iterator[str]:
    if not highlights.not_done:
        return
    yield from ("\n## Not done", "\n| document | status | reason |", "| --- | --- | --- |")
    for each in highlights.not_done:
        yield f"| {escaped(each.document_id)} | {each.status} | {escaped(each.reason or '')} |"
    if more := highlights.unlisted():
        yield f"\n{more:,} more: `docmill report` lists them all."


def _in_part(plan: Plan, count: int) -> Iterator[str]:
    if count:
        listing = f"`docmill report {plan.name} --status done` names them"
        yield f"\n{count:,} done with parts that could not be read, as `unread: allow` says: {listing}."


def _highest(title: str, outcomes: Sequence[Outcome], values: Sequence[str]) -> Iterator[str]:
    if not outcomes:
        return
    yield from (f"\n## {title}", "\n| document | |", "| --- | --- |")
    for outcome, value in zip(outcomes, values, strict=True):
        yield f"| {escaped(outcome.document_id)} | {value} |"


def _results(plan: Plan, run: Run) -> Iterator[str]:
    yield f"\n## Results\n\nIn {escaped(shown(plan.into.url))}:\n"
    for table in dict.fromkeys(["docmill_outcomes", "docmill_runs", *(name for _, name in _tables(plan))]):
        yield f"- {escaped(table)}"
    yield f"\nEvery reason in full: `docmill report {plan.name} --run {run.run_id}`"


def _tables(plan: Plan) -> list[tuple[str, str]]:
    """Name the typed tables, each with the step that fills it."""
    return [
        (step.id, table_name(plan.name, plan.into, plan.tools[name]))
        for step in plan.steps
        for name in step.typed_schemas()
    ]


def _cost(outcome: Outcome) -> str:
    return money(outcome.cost_usd, estimated=outcome.cost_estimated)


def escaped(text: str) -> str:
    """Write any text so that Markdown shows it as it is, on one line, without links."""
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    cut = line if len(line) <= MOST_CHARS else f"{line[:MOST_CHARS]}…"
    unlinked = ADDRESS.sub(rf"\g<0>{WORD_JOINER}", cut)
    return html.escape(PUNCTUATION.sub(r"\\\1", unlinked), quote=False)


def _quoted(text: str) -> str:
    """Write a text for a label of Mermaid's: each character that is no plain one by its number."""
    cut = text if len(text) <= 60 else f"{text[:60]}…"
    return re.sub(r"[^\w ./,*-]", lambda char: f"#{ord(char[0])};", cut)
