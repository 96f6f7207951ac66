"""deploy/'s compose file, manifests and units: their rights, what they hold, settings that Prefect knows."""

import json
import re
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import prefect
import pytest
from ruamel.yaml import YAML

CLONE = Path(__file__).parents[2]
DEPLOY = CLONE / "deploy"
WORKERS = "server/api/collections_data/views/aggregate-worker-metadata.json"
KINDS = ["docker", "kubernetes"]
TEMPLATES = {kind: json.loads((DEPLOY / kind / "base-job-template.json").read_text()) for kind in KINDS}
TEMPLATE = TEMPLATES["kubernetes"]
JOB = TEMPLATE["job_configuration"]["job_manifest"]
WRITTEN = [file for file in DEPLOY.rglob("*") if file.is_file() and file.suffix != ".lock"]
SECRET = re.compile(r"^\W*(\w*(?:PASSWORD|AUTH|AUTH_STRING|API_KEY|TOKEN))[ ]*[=:][ ]*(\S.*)$", re.MULTILINE)


def documents(name: str) -> list[Any]:
    return list(YAML(typ="safe").load_all(StringIO((DEPLOY / name).read_text())))


COMPOSE = documents("compose.yaml")[0]["services"]
OWN = {name: each for name, each in COMPOSE.items() if each["image"] == "docmill"}
MANIFESTS = [*documents("kubernetes/server.yaml"), *documents("kubernetes/worker.yaml")]
RUNNING = {each["metadata"]["name"]: each for each in MANIFESTS if "template" in each.get("spec", {})}
PODS = {name: each["spec"]["template"]["spec"] for name, each in RUNNING.items()}
PODS["job"] = JOB["spec"]["template"]["spec"]


def containers(pod: Any) -> Iterator[Any]:
    yield from [*pod.get("initContainers", ()), *pod["containers"]]


@pytest.mark.parametrize("file", WRITTEN, ids=lambda file: file.name)
def test_no_file_holds_a_secret(file: Path):
    given = [value for _, value in SECRET.findall(file.read_text()) if not value.startswith("${")]
    assert given == []


@pytest.mark.parametrize("file", WRITTEN, ids=lambda file: file.name)
def test_every_prefect_setting_is_known(file: Path):
    from prefect import settings

    own = {"PREFECT_AUTH", "PREFECT_SERVER"}
    written = set(re.findall(r"PREFECT_(?!REDIS)[A-Z_]+[A-Z]", file.read_text())) - own
    assert not {name for name in written if not hasattr(settings, name)}


def test_compose_has_server_database_redis_and_two_workers():
    assert {"server", "services", "database", "redis", "worker"} <= COMPOSE.keys()
    assert COMPOSE["worker"]["deploy"] == {"replicas": 2}


@pytest.mark.parametrize("name", COMPOSE)
def test_what_compose_starts_waits_for_services_that_are_healthy(name: str):
    for other, how in COMPOSE[name].get("depends_on", {}).items():
        if how["condition"] == "service_healthy":
            assert "healthcheck" in COMPOSE[other]
        else:
            assert (how["condition"], COMPOSE[other]["restart"]) == ("service_completed_successfully", "no")


@pytest.mark.parametrize("name", OWN)
def test_a_container_of_compose_gains_no_rights(name: str):
    assert (OWN[name]["cap_drop"], OWN[name]["security_opt"]) == (["ALL"], ["no-new-privileges:true"])


def test_compose_opens_one_port_on_this_machine_alone():
    assert [each["ports"] for each in COMPOSE.values() if "ports" in each] == [["127.0.0.1:4200:4200"]]


@pytest.mark.parametrize("name", ["compose.yaml", "kubernetes/server.yaml"])
def test_the_server_leaves_nothing_in_the_memory_of_one_process(name: str):
    text = (DEPLOY / name).read_text()
    said = dict(re.findall(r"^ *(PREFECT_[A-Z_]+): (\S+)$", text, re.MULTILINE))
    assert said["PREFECT_SERVER_EVENTS_MESSAGING_BROKER"] == "prefect_redis.messaging"
    assert said["PREFECT_SERVER_EVENTS_MESSAGING_CACHE"] == "prefect_redis.messaging"
    assert said["PREFECT_SERVER_EVENTS_CAUSAL_ORDERING"] == "prefect_redis.ordering"
    assert said["PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE"] == "prefect_redis.lease_storage"


@pytest.mark.parametrize("name", PODS)
def test_a_pod_runs_as_no_root_and_without_rights(name: str):
    pod = PODS[name]
    assert (pod["securityContext"]["runAsNonRoot"], pod["securityContext"]["runAsUser"]) == (True, 10001)
    assert pod["automountServiceAccountToken"] is False
    for each in containers(pod):
        rights = each["securityContext"]
        assert (rights["allowPrivilegeEscalation"], rights["readOnlyRootFilesystem"]) == (False, True)
        assert rights["capabilities"] == {"drop": ["ALL"]}


@pytest.mark.parametrize("name", PODS)
def test_a_pod_says_what_it_needs(name: str):
    for each in containers(PODS[name]):
        assert each["resources"]["requests"].keys() == {"cpu", "memory"}
        assert "memory" in each["resources"]["limits"]


@pytest.mark.parametrize("name", PODS)
def test_what_a_pod_mounts_is_there(name: str):
    claims = RUNNING[name]["spec"].get("volumeClaimTemplates", []) if name in RUNNING else []
    there = {each["name"] for each in PODS[name]["volumes"]} | {each["metadata"]["name"] for each in claims}
    for each in containers(PODS[name]):
        assert {mount["name"] for mount in each["volumeMounts"]} <= there


@pytest.mark.parametrize("name", PODS)
def test_what_serves_a_port_is_probed_there(name: str):
    for each in containers(PODS[name]):
        ports = {port["name"] for port in each.get("ports", ())}
        probes = [each[probe] for probe in ("startupProbe", "livenessProbe") if probe in each]
        assert {probe["httpGet"]["port"] for probe in probes} == ports


def test_a_pods_service_account_is_there():
    """Kubernetes makes no pod of one that is not."""
    made = {each["metadata"]["name"] for each in MANIFESTS if each["kind"] == "ServiceAccount"} | {"default"}
    variables = TEMPLATE["variables"]["properties"]
    assert variables["service_account_name"]["default"] in made
    assert {pod.get("serviceAccountName", "default") for name, pod in PODS.items() if name != "job"} <= made


def test_all_workers_of_the_cluster_have_one_cache():
    [worker] = containers(RUNNING["docmill-worker"]["spec"]["template"]["spec"])
    [cache] = [each for each in worker["env"] if each["name"] == "DOCMILL_CACHE"]
    assert cache["valueFrom"] == {"secretKeyRef": {"name": "docmill", "key": "DOCMILL_CACHE"}}
    [job] = TEMPLATE["job_configuration"]["job_manifest"]["spec"]["template"]["spec"]["containers"]
    assert job["envFrom"] == [{"secretRef": {"name": "{{ secret }}"}}]  # the same


def test_all_workers_of_compose_have_one_cache():
    worker = COMPOSE["worker"]
    folder = worker["environment"]["DOCMILL_CACHE"]
    volumes = dict(each.split(":") for each in worker["volumes"] if each.startswith("cache:"))
    assert folder.startswith(f"{volumes['cache']}/")
    assert "cache" in documents("compose.yaml")[0]["volumes"]


def test_a_selector_finds_its_pods():
    for each in RUNNING.values():
        assert each["spec"]["selector"]["matchLabels"] == each["spec"]["template"]["metadata"]["labels"]
    for each in (each for each in MANIFESTS if each["kind"] == "Service"):
        assert each["spec"]["selector"] == {"app": each["metadata"]["name"]}


@pytest.mark.parametrize("kind", KINDS)
def test_prefect_takes_the_base_job_template(kind: str):
    from prefect.server.schemas.actions import WorkPoolCreate

    pool = {"name": "docmill-jobs", "type": kind, "base_job_template": TEMPLATES[kind]}
    assert WorkPoolCreate.model_validate(pool).base_job_template == TEMPLATES[kind]


@pytest.mark.parametrize("kind", KINDS)
def test_every_variable_of_the_template_is_declared_and_used(kind: str):
    used = set(re.findall(r"{{ (\w+) }}", json.dumps(TEMPLATES[kind]["job_configuration"])))
    assert used == TEMPLATES[kind]["variables"]["properties"].keys()


@pytest.mark.parametrize("kind", KINDS)
def test_the_template_configures_what_prefects_worker_of_that_kind_does(kind: str):
    known = json.loads((Path(prefect.__file__).parent / WORKERS).read_text())[f"prefect-{kind}"][kind]
    theirs = known["default_base_job_configuration"]["job_configuration"]
    assert TEMPLATES[kind]["job_configuration"].keys() <= theirs.keys()


def test_a_container_a_run_has_the_image_and_the_one_cache_of_its_machine():
    variables = TEMPLATES["docker"]["variables"]["properties"]
    assert variables["image"]["default"] == "docmill"
    assert variables["volumes"]["default"] == ["docmill:/var/lib/docmill"]
    assert "DOCMILL_CACHE=/var/lib/docmill/cache" in (DEPLOY / "Dockerfile").read_text()
    assert "privileged" not in TEMPLATES["docker"]["job_configuration"]


def test_the_workers_unit_is_the_one_that_the_docs_tell():
    unit = (DEPLOY / "systemd/docmill-worker.service").read_text().partition("\n")[2]
    assert f"```ini\n{unit}```" in (CLONE / "docs/operations.md").read_text()
