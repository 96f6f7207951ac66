"""The results at a run's end, held against the pipeline's labels."""

from docmill.flows.evaluate.evaluation import Evaluator
from docmill.flows.evaluate.gate import verdict
from docmill.flows.evaluate.kept import figures, since, source_of
from docmill.flows.evaluate.labels.source import named
from docmill.flows.pipeline.plan import Plan
from docmill.schemas.errors import ConfigError
from docmill.schemas.evaluate import Verdict
from docmill.tasks.sinks.results import Results


def evaluated(plan: Plan, evaluator: Evaluator, results: Results, run_id: str) -> Verdict:
    """Evaluate what is stored, keep the figures, and say why they are not good enough.

    What cannot be compared is a reason too. Raises StorageError.
    """
    assert plan.evaluate is not None
    labels = named(source_of(plan.evaluate, plan.into, plan.name))
    try:
        found = evaluator.evaluate(results.outcomes_of(evaluator.asked_of))
        accepted = results.evaluations.accepted() if plan.evaluate.no_worse_than else None
        judged = verdict(plan.evaluate, labels, found, since(accepted, found))
    except ConfigError as error:
        return Verdict(labels=labels, documents=len(evaluator.truths), answered=0, reasons=(str(error),))
    results.evaluations.keep(run_id, labels, figures(found), accepted=False)
    return judged
