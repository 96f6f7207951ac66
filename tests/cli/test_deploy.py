"""`docmill deploy`: a deployment is written into prefect.yaml, and what stands there is kept."""

import json
from difflib import unified_diff
from pathlib import Path
from typing import Any

import pytest
from prefect.cli.deploy._models import DeploymentConfig, RawScheduleConfig
from prefect.events.schemas.deployment_triggers import DeploymentEventTrigger
from ruamel.yaml import YAML

from tests.support.deploying import CLONE, Site, deployed
from tests.support.project import Project

STEP = "  - summarize:\n"
URL = "http://127.0.0.1:9/v1"
OWN = """\
# Ours.
name: ours   # the team's
x: &shared {name: docmill}

deployments:
- name: other      # leave it alone
  entrypoint: docmill.flows.process.process
  work_pool: *shared
  parameters:
    pipeline: p.yaml
  schedules:
  - cron: "0 1 * * *"   # early
    active: false
# the end
"""


@pytest.fixture
def own(project: Project) -> Project:
    """Give a project with the pipeline `p` in pipelines/ and a file of deployments of its own."""
    project.documents(a="text")
    Path("pipelines").mkdir()
    project.pipeline(URL, STEP).rename("pipelines/p.yaml")
    Path("prefect.yaml").write_text(OWN)
    return project


def _deployments(file: str = "prefect.yaml") -> dict[str, dict[str, Any]]:
    listed = YAML(typ="safe").load(Path(file))["deployments"]
    for each in listed:
        DeploymentConfig.model_validate(each)
    return {each["name"]: each for each in listed}


def _changes(before: str) -> list[str]:
    """List the lines that are gone from prefect.yaml."""
    changed = unified_diff(before.splitlines(), Path("prefect.yaml").read_text().splitlines(), n=0)
    return [line for line in changed if line.startswith("-") and not line.startswith("---")]


@pytest.mark.parametrize(
    ("options", "schedule"),
    [
        (["--cron", "30 2 * * *"], {"cron": "30 2 * * *", "timezone": "UTC"}),
        (["--cron", "@daily", "--timezone", "Asia/Tokyo"], {"cron": "@daily", "timezone": "Asia/Tokyo"}),
        (
            ["--every", "6h"],
            {"interval": "PT6H", "timezone": "UTC", "anchor_date": "2026-01-01T00:00:00+00:00"},
        ),
        (
            ["--every", "1d", "--timezone", "Europe/Berlin"],
            {"interval": "P1D", "timezone": "Europe/Berlin", "anchor_date": "2026-01-01T00:00:00+01:00"},
        ),
    ],
)
def test_a_schedule_is_written_and_nothing_else_is_touched(
    own: Project, capfd: pytest.CaptureFixture[str], options: list[str], schedule: dict[str, str]
):
    assert own.run("deploy", "p", *options) == 0
    assert _changes(OWN) == []
    made = _deployments()["p"]
    assert made["entrypoint"] == "docmill.flows.process.process"
    assert made["parameters"] == {"pipeline": "pipelines/p.yaml"}
    assert made["schedules"] == [{**schedule, "slug": "p", "active": True}]
    RawScheduleConfig.model_validate(made["schedules"][0])
    said = capfd.readouterr().out
    assert "`docmill up`" in said
    assert "`prefect deploy --name p`" in said


def test_the_same_deployment_gets_its_new_schedule_and_keeps_the_rest(own: Project):
    assert own.run("deploy", "p", "--cron", "30 2 * * *") == 0
    file = Path("prefect.yaml")
    file.write_text(file.read_text().replace("What is new for the pipeline p.", "Ours.  # as agreed"))
    assert own.run("deploy", "pipelines/p.yaml", "--every", "2h") == 0
    made = _deployments()["p"]
    assert made["description"] == "Ours."
    assert [each["interval"] for each in made["schedules"]] == ["PT2H"]
    assert "# as agreed" in file.read_text()
    assert list(_deployments()) == ["other", "p"]


@pytest.mark.parametrize("options", [["--every", "1h"], ["--on-arrival"]])
def test_another_deployment_of_that_name_is_not_replaced(
    own: Project, capfd: pytest.CaptureFixture[str], options: list[str]
):
    assert own.run("deploy", "p", *options, "--name", "other") == 2
    assert "the deployment other is another flow's or pipeline's: give this one a --name" in _said(capfd)
    assert Path("prefect.yaml").read_text() == OWN


def test_on_arrival_it_waits_for_the_pipelines_events(own: Project, capfd: pytest.CaptureFixture[str]):
    for _ in range(2):
        assert own.run("deploy", "p", "--on-arrival") == 0
    assert _changes(OWN) == []
    made = _deployments()["p-arrived"]
    [trigger] = made["triggers"]
    DeploymentEventTrigger.model_validate(trigger)
    assert trigger["match"] == {"prefect.resource.id": "docmill.inbox.p"}
    assert "`docmill watch DIR --pipeline p`" in capfd.readouterr().out
    assert own.run("deploy", "p", "--on-arrival", "--name", "again") == 2
    assert "the deployment p-arrived takes up what arrives for this pipeline already" in _said(capfd)


def test_the_clones_own_deployments_keep_every_line(own: Project):
    before = (CLONE / "prefect.yaml").read_text()
    Path("prefect.yaml").write_text(before)
    assert own.run("deploy", "p", "--every", "1h") == 0
    assert Path("prefect.yaml").read_text().startswith(before)


def test_a_file_is_made_where_there_is_none(own: Project, capfd: pytest.CaptureFixture[str]):
    assert own.run("deploy", "p", "--every", "1h", "--file", "new.yaml", "--name", "hourly", "--json") == 0
    told = json.loads(capfd.readouterr().out)
    assert told["deployment"] == _deployments("new.yaml")["hourly"]
    assert (told["file"], told["replaced"]) == ("new.yaml", False)
    assert Path("prefect.yaml").read_text() == OWN


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "by one of --cron, --every and --on-arrival"),
        (["--every", "1h", "--on-arrival"], "by one of --cron, --every and --on-arrival"),
        (["--every", "0h"], "--every: must be"),
        (["--every", "6"], "--every: must be"),
        (["--cron", "61 * * * *"], "--cron: '61 * * * *' is no cron expression"),
        (["--cron", "h * * * *"], "--cron: 'h * * * *' is no cron expression"),
        (["--cron", ""], "--cron: '' is no cron expression"),
        (["--every", "1h", "--timezone", "Mars"], "--timezone: "),
        (["--on-arrival", "--timezone", "UTC"], "--timezone: "),
        (["--every", "1h", "--file", "p.txt"], "p.txt: not YAML"),
        (["--every", "1h", "--file", "list.yaml"], "list.yaml: must be a mapping"),
        (["--every", "1h", "--file", "no/such.yaml"], "no/such.yaml: cannot be written"),
    ],
)
def test_wrong_options_write_nothing(
    own: Project, capfd: pytest.CaptureFixture[str], options: list[str], said: str
):
    Path("p.txt").write_text("a: [\n")
    Path("list.yaml").write_text("- a\n")
    assert own.run("deploy", "p", *options) == 2
    assert said in _said(capfd)
    assert Path("prefect.yaml").read_text() == OWN


def test_a_pipeline_that_is_wrong_is_not_deployed(own: Project, capfd: pytest.CaptureFixture[str]):
    Path("pipelines/p.yaml").write_text("name: p\ndocuments: in/*\nsteps: [summarise: ]\n")
    assert own.run("deploy", "p", "--every", "1h") == 2
    assert "did you mean summarize?" in _said(capfd)


def test_what_reads_no_directory_has_no_arrivals(own: Project, capfd: pytest.CaptureFixture[str]):
    rows = "{url: 'sqlite:///t.db', query: select 1 as id, key: id, text: '{{ id }}'}"
    text = Path("pipelines/p.yaml").read_text().replace("documents: in/*.txt", f"rows: {rows}")
    Path("pipelines/p.yaml").write_text(text)
    assert own.run("deploy", "p", "--on-arrival") == 2
    assert "reads no directory, so nothing arrives: take --cron or --every" in _said(capfd)


def test_what_an_event_cannot_name_has_no_arrivals(own: Project, capfd: pytest.CaptureFixture[str]):
    Path("pipelines/p.yaml").rename("elsewhere.yaml")
    assert own.run("deploy", "elsewhere.yaml", "--on-arrival") == 2
    assert "move it to pipelines/" in _said(capfd)


def _said(capfd: pytest.CaptureFixture[str]) -> str:
    return " ".join(capfd.readouterr().err.split())


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_what_is_written_is_registered_and_takes_up_what_arrives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, project: Project
):
    with deployed(tmp_path / "site") as site:
        site.pipeline("mine", "a")
        monkeypatch.chdir(site.root)
        Path("prefect.yaml").unlink()
        assert project.run("deploy", "mine", "--every", "6h") == 0
        assert project.run("deploy", "mine", "--on-arrival") == 0
        [nightly, arrived] = [_registered(site, name) for name in ("mine", "mine-arrived")]
        assert nightly["schedules"][0]["active"]
        assert nightly["pull_steps"] == arrived["pull_steps"]
        assert {each["name"] for each in site.asked("/automations/filter")} >= {"mine-arrived"}


def _registered(site: Site, name: str) -> dict[str, Any]:
    site.prefect("deploy", "--name", name)
    return site.deployment(name)
