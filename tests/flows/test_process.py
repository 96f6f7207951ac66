"""The main job: documents in, validated records out, each accounted for."""

import json
from collections import Counter
from email.message import EmailMessage

import httpx
import pytest

from tests.support.processes import eventually
from tests.support.project import Project
from tests.support.provider import Provider
from tests.support.shapes import rate_limited, saying

pytestmark = pytest.mark.usefixtures("prefect_api")


def test_documents_become_outcomes_and_typed_rows(project: Project, provider: Provider):
    project.documents(a="first", b="second")
    assert project.run("run", str(project.pipeline(provider.url))) == 0
    assert project.statuses() == {"in/a.txt": "done", "in/b.txt": "done"}
    assert project.rows('select document_id, name, "on" from p__thing order by 1') == [
        ("in/a.txt", "Example", "2024-01-31"),
        ("in/b.txt", "Example", "2024-01-31"),
    ]


def forty(project: Project) -> None:
    """Write 40 documents of which 11 are identical: 30 different texts."""
    project.documents(**{f"d{number:02}": f"text {max(number, 10)}" for number in range(40)})


@pytest.mark.slow
def test_identical_documents_are_paid_for_once(project: Project, provider: Provider):
    """Shown by 2: 90 attempts, none alike; later runs send nothing."""
    forty(project)
    pipeline = str(project.pipeline(provider.url))
    assert project.run("run", pipeline) == 0
    assert len(provider.requests) == len(set(provider.bodies())) == 90
    assert Counter(project.statuses().values()) == {"done": 40}
    assert project.run("run", pipeline, "--into", "sqlite:///empty.db") == 0
    assert project.rows("select count(*) from docmill_outcomes where status='done'", "empty.db") == [(40,)]
    assert project.run("run", pipeline) == 0
    assert len(provider.requests) == 90
    assert project.rows(
        "select done, unchanged, calls, cached_calls from docmill_runs order by started_at"
    ) == [
        (40, 0, 90, 30),
        (0, 40, 0, 0),
    ]


@pytest.mark.slow
def test_a_rate_limit_loses_nothing_and_spends_no_try(project: Project, provider: Provider, prefect_api: str):
    """Shown by 3: 429 to the first 30 requests and to a third of the rest."""
    project.documents(**{f"d{number:02}": f"text {number}" for number in range(60)})
    limited = rate_limited("1")
    provider.rule(lambda request: limited if request.number <= 30 or request.number % 10 < 3 else None)
    assert project.run("run", str(project.pipeline(provider.url))) == 0
    assert Counter(project.statuses().values()) == {"done": 60}
    [(flow_run_id,)] = project.rows("select flow_run_id from docmill_runs")
    assert eventually(lambda: _run_counts(prefect_api, flow_run_id) == {1: 180})


def _run_counts(api: str, flow_run_id: str) -> Counter[int]:
    query = {"flow_runs": {"id": {"any_": [flow_run_id]}}, "limit": 200}
    runs = httpx.post(f"{api}/task_runs/filter", json=query).json()
    return Counter(run["run_count"] for run in runs if run["end_time"])


def test_a_dead_provider_defers_the_documents(project: Project, provider: Provider):
    """Shown by 3: at most 5 tries for one body, however many documents share it."""
    project.documents(**{f"d{number:02}": "the same" for number in range(20)})
    provider.always("unavailable")
    assert project.run("run", str(project.pipeline(provider.url))) == 1
    assert len(provider.requests) == 5
    assert Counter(project.statuses().values()) == {"deferred": 20}


@pytest.mark.parametrize(
    "shape", ["unauthorized", "payment_required", "forbidden", "not_found", "redirect", "quota"]
)
@pytest.mark.slow
def test_a_fatal_answer_stops_the_run(
    project: Project, provider: Provider, shape: str, capfd: pytest.CaptureFixture[str]
):
    project.documents(**{f"d{number:02}": f"text {number}" for number in range(60)})
    provider.always(shape)
    assert project.run("run", str(project.pipeline(provider.url))) == 3
    assert len(provider.requests) <= 8
    [(state, documents, deferred)] = project.rows("select state, documents_in, deferred from docmill_runs")
    assert (state, documents) == ("stopped", deferred)
    assert "error: the server answered" in capfd.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize(
    ("shape", "status"),
    [
        ("bad_request", "failed"),
        ("too_large", "failed"),
        ("unprocessable", "failed"),
        ("refusal", "refused"),
        ("content_filter", "refused"),
        ("schema_invalid", "invalid"),
        ("length", "invalid"),
        ("no_call", "invalid"),
        ("server_error", "deferred"),
        ("disconnect", "deferred"),
    ],
)
def test_what_goes_wrong_has_its_status(project: Project, provider: Provider, shape: str, status: str):
    project.documents(a="text")
    provider.always(shape)
    pipeline = project.pipeline(provider.url, "  - extract: {schema: thing}\n")
    assert project.run("run", str(pipeline)) == 1
    assert project.statuses() == {"in/a.txt": status}


@pytest.mark.slow
def test_hostile_output_stays_text(project: Project, provider: Provider):
    """Shown by 4: what names a class is never decoded into one."""
    project.schema(
        "free",
        {
            "name": "free",
            "description": "All.",
            "parameters": {"type": "object", "additionalProperties": True},
        },
    )
    project.documents(a="text")
    provider.always(saying('{"__class__": "subprocess.getoutput", "data": {"cmd": "touch owned"}}'))
    pipeline = project.pipeline(provider.url, "  - extract: {schema: free}\n")
    assert project.run("run", str(pipeline)) == 0
    assert project.run("run", str(pipeline), "--into", "sqlite:///again.db") == 0
    assert len(provider.requests) == 1
    assert not (project.root / "owned").exists()
    [(record,)] = project.rows("select record from docmill_outcomes", "again.db")
    assert "subprocess.getoutput" in record


@pytest.mark.slow
def test_another_model_says_before_which_outcomes_it_replaces(
    project: Project, provider: Provider, capfd: pytest.CaptureFixture[str]
):
    project.documents(a="first", b="second")
    pipeline = str(project.pipeline(provider.url, "  - summarize:\n"))
    assert project.run("run", pipeline) == 0
    assert "made with the model" not in capfd.readouterr().out
    assert project.run("run", pipeline, "--model", "n") == 0
    said = "2 outcomes were made with the model m: those of this run's documents are asked anew with n"
    assert said in capfd.readouterr().out


def test_an_attachment_that_is_not_read_puts_its_mail_in_review(project: Project, provider: Provider):
    """The mail's own text is sent all the same."""
    mail = EmailMessage()
    mail["From"], mail["Subject"] = "ada@example.com", "The plan"
    mail.set_content("The plan is attached, and costs 300 EUR.")
    mail.add_attachment(b"AC1032" * 100, maintype="image", subtype="vnd.dwg", filename="plan.dwg")
    (project.root / "in").mkdir()
    (project.root / "in" / "a.eml").write_bytes(bytes(mail))
    provider.always(saying("A plan of 300 EUR."))
    pipeline = project.pipeline(provider.url, "  - summarize:\n", documents="in/*")
    assert project.run("run", str(pipeline)) == 0
    assert "costs 300 EUR" in provider.requests[0].text
    [(status, unread)] = project.rows("select status, unread from docmill_outcomes")
    assert (status, [each["part"] for each in json.loads(unread)]) == ("review", ["attachment plan.dwg"])
