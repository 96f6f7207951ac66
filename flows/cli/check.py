"""`docmill check`: everything that can be known of a pipeline before it runs; nothing is sent."""

from docmill.flows.cli.options import Documents, EndpointName, IntoUrl, Json, Model, PipelineName
from docmill.flows.cli.output import console, print_json
from docmill.flows.cli.ready import require_ready
from docmill.flows.pipeline.file import load, pipeline_file
from docmill.flows.pipeline.options import RunOptions
from docmill.flows.pipeline.plan import resolve
from docmill.tasks.sinks.database import require_folder, shown


def check(
    pipeline: PipelineName,
    /,
    *,
    documents: Documents = None,
    into: IntoUrl = None,
    endpoint: EndpointName = None,
    model: Model = None,
    json: Json = False,
) -> int:
    """Check a pipeline, its tool schemas and its source; nothing is sent and nothing is written.

    Exit code 2 where a run would be refused: with the file, the line and what was meant, or the
    variable of the key that is missing.
    """
    file = pipeline_file(pipeline)
    plan = resolve(load(file), RunOptions(documents=documents, into=into, endpoint=endpoint, model=model))
    require_ready(plan)
    require_folder(plan.into.url)
    found = {"documents": plan.source.count(), "into": shown(plan.into.url)}
    if json:
        print_json({"pipeline": plan.name, "pipeline_sha256": plan.sha256, **found})
        return 0
    out = console()
    out.print(plan.origin, markup=False)
    for step in plan.steps:
        after = f" after {', '.join(step.needs)}" if step.needs else ""
        out.print(f"  {step.id}{after}", markup=False)
    for name, value in found.items():
        out.print(f"{name}: {value}", markup=False, soft_wrap=True)
    out.print(f"{file}: ok", style="green", markup=False)
    return 0
