"""`docmill check`: everything that can be known of a pipeline before it runs; nothing is sent."""

from typing import Annotated

from cyclopts import Parameter

from docmill.flows.cli.connect import connected
from docmill.flows.cli.options import FLAG, Documents, EndpointName, IntoUrl, Json, Model, PipelineName
from docmill.flows.cli.output import console, plain, print_json
from docmill.flows.cli.ready import require_ready
from docmill.flows.evaluate.kept import evaluator_of
from docmill.flows.pipeline.file import load, pipeline_file
from docmill.flows.pipeline.options import RunOptions
from docmill.flows.pipeline.plan import resolve
from docmill.schemas.evaluate import REVIEWS
from docmill.tasks.sinks.database import require_folder, shown
from docmill.tasks.sources.bundles import Bundles
from docmill.tasks.sources.source import Source

Connect = Annotated[bool, FLAG, Parameter(help="Ask the endpoint, the results database and the source, too")]


def check(
    pipeline: PipelineName,
    /,
    *,
    documents: Documents = None,
    into: IntoUrl = None,
    endpoint: EndpointName = None,
    model: Model = None,
    connect: Connect = False,
    json: Json = False,
) -> int:
    """Check a pipeline, its tool schemas and its source; nothing is sent and nothing is written.

    With --connect the endpoint is asked for its models, and each model of the pipeline and its steps that
    they do not hold for one token; the results database and the source are opened. Exit code 2 where one of
    them does not answer.

    Exit code 2 where a run would be refused: with the file, the line and what was meant, or the
    variable of the key that is missing.
    """
    file = pipeline_file(pipeline)
    plan = resolve(load(file), RunOptions(documents=documents, into=into, endpoint=endpoint, model=model))
    require_ready(plan)
    require_folder(plan.into.url)
    found = {**_counted(plan.source), "into": shown(plan.into.url)}
    labels = plan.evaluate and plan.evaluate.labels
    if labels and (connect or (isinstance(labels, str) and labels != REVIEWS)):
        evaluator = evaluator_of(plan)
        found["labels"] = len(evaluator.truths) if evaluator else 0
    if plan.examples:
        found["examples_from_reviews"] = len(plan.examples)
    answered = connected(plan) if connect else {}
    code = 0 if all(each["ok"] for each in answered.values()) else 2
    if json:
        whole = {"pipeline": plan.name, "pipeline_sha256": plan.sha256, **found}
        print_json({**whole, "connect": answered} if connect else whole)
        return code
    out = console()
    out.print(plan.origin, markup=False)
    for step in plan.steps:
        after = f" after {', '.join(step.needs)}" if step.needs else ""
        out.print(f"  {step.id}{after}", markup=False)
    for name, value in found.items():
        out.print(f"{name}: {value}", markup=False, soft_wrap=True)
    for name, answer in answered.items():
        mark = "ok" if answer["ok"] else "fails"
        out.print(plain(f"{name} {mark}: {answer['said']}", "" if answer["ok"] else "red"), soft_wrap=True)
    if code == 0:
        out.print(f"{file}: ok", style="green", markup=False)
    return code


def _counted(source: Source) -> dict[str, int | None]:
    """Count the documents; of files that may hold several, the files."""
    return {"files": source.source.count()} if isinstance(source, Bundles) else {"documents": source.count()}
