"""prefect.yaml: read as it is written, and written anew with all that stands there."""

from fnmatch import fnmatchcase
from io import StringIO
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import YAMLError
from ruamel.yaml.scalarstring import DoubleQuotedScalarString
from ruamel.yaml.util import load_yaml_guess_indent

from docmill.schemas.errors import ConfigError

DECLARED = Path("prefect.yaml")
DeploymentsFile = Annotated[Path, Parameter(name="--file", help="The file of deployments")]
ARRIVED = "docmill.flows.arrived.arrived"
PROCESS = "docmill.flows.process.process"
RESOURCE = "prefect.resource.id"
WIDTH = 4096  # no line is broken


def read(file: Path) -> CommentedMap:
    """Read a file of deployments with its comments, anchors and order.

    Raises ConfigError where it is none.
    """
    try:
        written = _yaml().load(file.read_text())
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read: {error.strerror}") from None
    except (YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file}: not YAML: {error}") from None
    if not isinstance(written, CommentedMap):
        raise ConfigError(f"{file}: must be a mapping with `deployments`")
    listed = written.setdefault("deployments", CommentedSeq())
    if not isinstance(listed, list) or not all(isinstance(each, dict) for each in listed):
        raise ConfigError(f"{file}: deployments: must be a list of mappings")
    return written


def write(file: Path, written: CommentedMap) -> None:
    """Write what was read, in the place of the file and with its indentation."""
    before = file.read_text() if file.exists() else ""
    out = StringIO()
    _yaml(before).dump(written, out)
    part = file.with_name(f"{file.name}.part")
    try:
        part.write_text(out.getvalue())
        part.replace(file)
    except OSError as error:
        raise ConfigError(f"{file}: cannot be written: {error.strerror}") from None


def switched_off(file: Path) -> list[str]:
    """Name the deployments whose schedules or triggers are all switched off."""
    return [str(each.get("name")) for each in read(file)["deployments"] if _off(each)]


def listens_to(deployment: dict[str, Any], resource: str) -> bool:
    """Say whether a deployment takes up the events of a resource."""
    patterns = [
        (trigger.get("match") or {}).get(RESOURCE)
        for trigger in deployment.get("triggers") or ()
        if trigger.get("enabled", True)
    ]
    return any(isinstance(each, str) and fnmatchcase(resource, each) for each in patterns)


def entry(name: str, entrypoint: str, description: str, strategy: str) -> CommentedMap:
    """Make a deployment that is whole by itself, whatever anchors its file has."""
    directory = flow(directory=DoubleQuotedScalarString("{{ $PWD }}"))
    return CommentedMap(
        name=name,
        entrypoint=entrypoint,
        description=description,
        tags=flow_list("docmill"),
        work_pool=flow(name="docmill"),
        pull=CommentedSeq([CommentedMap({"prefect.deployments.steps.set_working_directory": directory})]),
        concurrency_limit=flow(limit=1, collision_strategy=strategy),
    )


def flow(**values: Any) -> CommentedMap:
    """Make a mapping that is written on one line."""
    made = CommentedMap({key: value for key, value in values.items() if value is not None})
    made.fa.set_flow_style()
    return made


def flow_list(*values: Any) -> CommentedSeq:
    """Make a list that is written on one line."""
    made = CommentedSeq(values)
    made.fa.set_flow_style()
    return made


def _off(deployment: dict[str, Any]) -> bool:
    """Say whether a deployment has switches, and none is on."""
    switches = [schedule.get("active", True) for schedule in deployment.get("schedules") or ()]
    switches += [trigger.get("enabled", True) for trigger in deployment.get("triggers") or ()]
    return bool(switches) and not any(switches)


def _yaml(like: str = "") -> YAML:
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = WIDTH
    _, indent, offset = load_yaml_guess_indent(like) if like else (None, None, None)
    if indent is None:
        indent, offset = 4, 2
    yaml.indent(mapping=2, sequence=indent, offset=offset)
    return yaml
