"""`docmill deploy`: write a pipeline's deployment into prefect.yaml."""

import re
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from docmill.flows.cli import deployments
from docmill.flows.cli.deployments import ARRIVED, DECLARED, PROCESS, RESOURCE, DeploymentsFile
from docmill.flows.cli.init import TEMPLATE
from docmill.flows.cli.options import Json, PipelineName
from docmill.flows.cli.output import console, print_json
from docmill.flows.cli.schedule import cron_schedule, interval_schedule
from docmill.flows.pipeline.file import NAME, load, pipeline_file
from docmill.flows.pipeline.plan import resolve
from docmill.flows.watch.event import EVENT, resource
from docmill.schemas.errors import ConfigError
from docmill.tasks.sources.bundles import Bundles
from docmill.tasks.sources.files import Files

Cron = Annotated[str | None, Parameter(help='When, as cron says it: "30 2 * * *"')]
Every = Annotated[str | None, Parameter(help="How often: 30m, 6h, 1d")]
OnArrival = Annotated[bool, Parameter(negative="", show_default=False, help="When `docmill watch` announces")]
Name = Annotated[str | None, Parameter(help="The deployment's name; default: the pipeline's")]
TimeZone = Annotated[str | None, Parameter(help="The time zone of the times, such as Europe/Berlin")]


def deploy(
    pipeline: PipelineName,
    /,
    *,
    cron: Cron = None,
    every: Every = None,
    on_arrival: OnArrival = False,
    name: Name = None,
    timezone: TimeZone = None,
    file: DeploymentsFile = DECLARED,
    json: Json = False,
) -> int:
    """Write a deployment of a pipeline into prefect.yaml, with a schedule or for what arrives.

    What stands in the file is kept. A deployment of that name is given the new schedule where it is of
    the same pipeline; else nothing is written, and the exit code is 2.
    """
    if (cron is not None) + (every is not None) + on_arrival != 1:
        raise ConfigError("say when it is to run, by one of --cron, --every and --on-arrival")
    path = pipeline_file(pipeline)
    plan = resolve(load(path))
    if on_arrival:
        if timezone is not None:
            raise ConfigError("--timezone: what arrives has no time of its own: leave it out")
        made = _on_arrival(path, name or f"{path.stem}-arrived", plan.source)
    else:
        named = name or path.stem
        when = cron_schedule(cron, timezone) if cron is not None else interval_schedule(every or "", timezone)
        made = _scheduled(path, named, when)
    replaced = _put(file, made)
    if json:
        print_json({"file": str(file), "replaced": replaced, "deployment": made})
        return 0
    out = console()
    said = "given its new schedule" if replaced and not on_arrival else "written"
    for line in (f"{file}: the deployment {made['name']} is {said}", *_next(file, made)):
        out.print(line, markup=False, soft_wrap=True)
    return 0


def _scheduled(path: Path, name: str, when: CommentedMap) -> CommentedMap:
    made = deployments.entry(name, PROCESS, f"What is new for the pipeline {path.stem}.", "CANCEL_NEW")
    made["parameters"] = deployments.flow(pipeline=_relative(path))
    when["slug"] = name
    when["active"] = True
    made["schedules"] = CommentedSeq([when])
    return made


def _on_arrival(path: Path, name: str, source: object) -> CommentedMap:
    if isinstance(source, Bundles):
        source = source.source
    if not isinstance(source, Files):
        raise ConfigError(
            f"--on-arrival: {path} reads no directory, so nothing arrives: take --cron or --every"
        )
    if not re.fullmatch(NAME, path.stem) or not _leads_to(path.stem, path):
        raise ConfigError(
            f"--on-arrival: an event names a pipeline by its name, which does not lead to {path}: move it "
            "to pipelines/, under a name of a-z, 0-9, - and _"
        )
    made = deployments.entry(name, ARRIVED, f"What arrives for the pipeline {path.stem}.", "ENQUEUE")
    made["enforce_parameter_schema"] = False
    trigger = CommentedMap(type="event", name=name, description=f"Starts the deployment {name}", enabled=True)
    trigger["match"] = deployments.flow(**{RESOURCE: resource(path.stem)})
    trigger["expect"] = deployments.flow_list(EVENT)
    trigger["parameters"] = CommentedMap(
        {
            key: DoubleQuotedScalarString(f"{{{{ event.payload.{key} | default(none) }}}}")
            for key in ("pipeline", "documents")
        }
    )
    made["triggers"] = CommentedSeq([trigger])
    return made


def _put(file: Path, made: CommentedMap) -> bool:
    """Put a deployment into the file, which is made where there is none; says whether it stood there."""
    written = deployments.read(file if file.exists() else TEMPLATE / DECLARED)
    if not file.exists():
        written["deployments"] = CommentedSeq()
        written.pop("definitions", None)
    listed = written["deployments"]
    same = [each for each in listed if each.get("name") == made["name"]]
    for each in same:
        if not _same(each, made):
            raise ConfigError(
                f"{file}: the deployment {made['name']} is another flow's or pipeline's: give this one a "
                "--name of its own, or take that one out"
            )
    _refuse_twice(file, listed, made)
    what = "triggers" if "triggers" in made else "schedules"
    for each in same:
        each[what] = made[what]
    if not same:
        listed.append(made)
        if len(listed) > 1:
            listed.yaml_set_comment_before_after_key(len(listed) - 1, before="\n")
    deployments.write(file, written)
    return bool(same)


def _same(deployment: dict[str, Any], made: CommentedMap) -> bool:
    """Say whether two deployments run one flow over one pipeline."""
    if deployment.get("entrypoint") != made["entrypoint"]:
        return False
    if "triggers" in made:
        return _resources(deployment) == _resources(made)
    given = (deployment.get("parameters") or {}).get("pipeline")
    return isinstance(given, str) and _leads_to(given, Path(made["parameters"]["pipeline"]))


def _resources(deployment: dict[str, Any]) -> list[object]:
    return [(trigger.get("match") or {}).get(RESOURCE) for trigger in deployment.get("triggers") or ()]


def _refuse_twice(file: Path, listed: CommentedSeq, made: CommentedMap) -> None:
    """Refuse a second deployment for the same events: each would start a run."""
    for wanted in _resources(made):
        for each in listed:
            if each.get("name") != made["name"] and deployments.listens_to(each, str(wanted)):
                raise ConfigError(
                    f"{file}: the deployment {each.get('name')} takes up what arrives for this pipeline "
                    "already: nothing is missing, or write `enabled: false` at its trigger first"
                )


def _relative(path: Path) -> str:
    whole, here = path.resolve(), Path.cwd()
    return str(whole.relative_to(here) if whole.is_relative_to(here) else whole)


def _leads_to(name: str, path: Path) -> bool:
    try:
        return pipeline_file(name).resolve() == path.resolve()
    except ConfigError:
        return False


def _next(file: Path, made: CommentedMap) -> list[str]:
    """Say what to type next."""
    ours, theirs = ("", "") if file == DECLARED else (f" --file {file}", f" --prefect-file {file}")
    lines = [
        f"next: `docmill up{ours}` serves it on this machine; "
        f"`prefect deploy --name {made['name']}{theirs}` registers it with the server of PREFECT_API_URL"
    ]
    if "triggers" in made:
        stem = made["triggers"][0]["match"][RESOURCE].rpartition(".")[2]
        lines.append(f"then: `docmill watch DIR --pipeline {stem}` announces what arrives in a directory")
    return lines
