"""`docmill run`: a pipeline over its documents, now."""

from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from docmill.flows.cli import trial
from docmill.flows.cli.confirm import confirm
from docmill.flows.cli.foreground import flow_run
from docmill.flows.cli.options import NO_CHOICE, Choosing, Gone, Json, PipelineName, Shards, Try, Yes
from docmill.flows.cli.output import console, fail, print_json
from docmill.flows.cli.progress import Progress
from docmill.flows.cli.ready import require_ready
from docmill.flows.cli.summary import Summary
from docmill.flows.pipeline.file import load, pipeline_file
from docmill.flows.pipeline.options import RunOptions
from docmill.flows.pipeline.plan import Plan, resolve
from docmill.flows.pipeline.shards import require_room, require_shards
from docmill.flows.server.launch import launch
from docmill.schemas.errors import ConfigError

if TYPE_CHECKING:  # Prefect takes seconds to import: only when its server is starting
    from docmill.flows.run.flow_run import Invocation

EXIT_CODES = {"complete": 0, "incomplete": 1, "stopped": 3, "failed": 3}


def run(
    pipeline: PipelineName,
    /,
    *,
    chosen: Choosing = NO_CHOICE,
    yes: Yes = False,
    shards: Shards = 1,
    gone: Gone = (),
    try_: Try = False,
    json: Json = False,
) -> int:
    """Run a pipeline over its documents; gives the exit code."""
    if try_ and (chosen.into or json):
        raise ConfigError(
            f"--try: prints, and keeps nothing: leave {'--into' if chosen.into else '--json'} out"
        )
    options = chosen.given(yes=yes, trial=try_, shards=shards, gone=gone)
    require_shards(options)
    file = pipeline_file(pipeline)
    if not try_:
        plan = resolve(load(file), options)
        require_room(plan)
        return carried_out(pipeline, file, options, plan, json=json)
    with trial.database() as url:
        tried = replace(options, into=url, limit=options.limit or trial.DOCUMENTS)
        plan = resolve(load(file), tried)
        code = carried_out(pipeline, file, tried, plan, json=False)
        with suppress(ConfigError):  # nothing began, which was told
            # What was asked anew is in the cache, and how files were divided in the results.
            trial.tell(console(), resolve(load(file), replace(tried, refresh=False)))
        return code


def carried_out(
    pipeline: str,
    file: Path,
    options: RunOptions,
    plan: Plan,
    *,
    json: bool,
) -> int:
    """Run a plan in the foreground and tell what came of it; gives the exit code."""
    require_ready(plan)
    out = console(stderr=json)
    out.print(plan.origin, markup=False)
    if plan.confirm_above_usd is not None:
        confirm(out, plan)
        options = replace(options, yes=True)
    elsewhere = f" --into {options.into}" if options.into else ""
    progress = Progress(out, plan, f"{pipeline}{elsewhere}")
    progress.summary.is_trial = options.trial

    def said(line: str) -> None:
        out.print(line, markup=False, soft_wrap=True)

    launched = launch(progress.announce, warn=said)
    try:
        return flow_run(
            file, options, progress, launched, lambda invocation: _told(invocation, progress.summary, json)
        )
    finally:
        if staying := launched.release():
            said(staying)


def _told(invocation: "Invocation", summary: Summary, json: bool) -> int:
    ended = invocation.ended
    run = ended.row if ended else None
    if run is not None and json:
        from docmill.tasks.sinks.rows import run_row

        print_json(run_row(run))
    elif ended is not None:
        summary.print(console(), ended.row, ended.waiting)
    if invocation.error is not None:
        fail(invocation.error)
    if run is None or isinstance(invocation.error, ConfigError):
        return 2 if isinstance(invocation.error, ConfigError) else 3
    return EXIT_CODES[run.state]
