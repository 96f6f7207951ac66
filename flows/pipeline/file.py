"""From a pipeline's file to a Pipeline: what is wrong is found here, with its place, before anything runs."""

import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from docmill.flows.pipeline.graph import check, schema_places
from docmill.schemas.errors import ConfigError
from docmill.schemas.pipeline import KINDS, Pipeline
from docmill.schemas.tool import ToolSchema
from docmill.tasks.checks import toolschema, yamltext
from docmill.tasks.checks.declared import Place, faults
from docmill.tasks.checks.faults import place, shown
from docmill.tasks.checks.spelling import meant
from docmill.tasks.checks.yamltext import YamlText

MAX_FAULTS = 20
FOLDERS = (Path("flows/pipelines"), Path("pipelines"))
NAME = r"[a-z0-9][a-z0-9_-]*"


def pipeline_file(name: str) -> Path:
    """Find a pipeline's file: the path itself, or NAME.yaml in the first folder of pipelines that has it.

    Raises ConfigError for a name of which no folder has a file.
    """
    bare = "/" not in name and not name.endswith((".yaml", ".yml"))
    return _file_of(name) if bare and not Path(name).is_file() else Path(name)


def named(name: object, place: str) -> Pipeline:
    """Load a pipeline by its name, which may come from anywhere: it is never taken as a path.

    Raises ConfigError, naming the place, also for one that reads rows: no document arrives at it.
    """
    if not isinstance(name, str) or not re.fullmatch(NAME, name):
        raise ConfigError(f"{place}: must be the name of a file in {_folders_named()}, such as inbox")
    try:
        file = _file_of(name)
    except ConfigError as error:
        raise ConfigError(f"{place}: {error}") from None
    pipeline = load(file)
    if pipeline.rows is not None:
        raise ConfigError(f"{place}: {name} reads rows, and documents cannot arrive at it")
    return pipeline


def _folders() -> list[Path]:
    """List where pipelines are looked for by name: DOCMILL_PIPELINES, then those of the working directory."""
    own = os.environ.get("DOCMILL_PIPELINES")
    return [*([Path(own)] if own else []), *FOLDERS]


def _folders_named() -> str:
    *others, last = map(str, _folders())
    return f"{', '.join(others)} or {last}"


def _file_of(name: str) -> Path:
    files = [folder / f"{name}.yaml" for folder in _folders()]
    if found := next((file for file in files if file.is_file()), None):
        return found
    known = (file.stem for folder in _folders() for file in sorted(folder.glob("*.yaml")))
    raise ConfigError(f"there is no pipeline {name!r} in {_folders_named()}{meant(name, known)}")


def load(path: Path) -> Pipeline:
    """Read a pipeline's file and check all of it, its tool schemas included; schemas stay unread.

    Raises ConfigError with each fault on a line of its own: file:line:column, the place in the
    pipeline, what is wrong and what was meant.
    """
    written = yamltext.read(path)
    if not isinstance(written.data, dict):
        said = (
            "the file is empty" if written.data is None else f"must be a mapping, not {shown(written.data)}"
        )
        raise ConfigError(f"{written.place(())}: {said}: a pipeline has name, steps, and documents or rows")
    return declared(written.data, written)


def declared(data: dict[str, Any], written: YamlText | None = None) -> Pipeline:
    """Make a pipeline of what is declared, in a file or as a flow's parameter, and check all of it.

    Raises ConfigError as `load` does; file, line and column are those of `written`.
    """
    if wrong := _step_faults(data.get("steps")):
        raise _refused(wrong, written)
    try:
        pipeline = Pipeline.model_validate(data)
    except ValidationError as error:
        raise _refused(faults(error, data, Pipeline), written) from None
    if wrong := check(pipeline):
        raise _refused(wrong, written)
    _load_tools(pipeline, written)
    return pipeline


def tools(pipeline: Pipeline) -> dict[str, ToolSchema]:
    """Load the tool schemas of a pipeline by their declared names.

    Raises ConfigError for one that is missing or wrong, and for what `check` finds, as a pipeline may
    come from no file.
    """
    if wrong := check(pipeline):
        raise _refused(wrong)
    return _load_tools(pipeline)


def _load_tools(pipeline: Pipeline, written: YamlText | None = None) -> dict[str, ToolSchema]:
    loaded: dict[str, ToolSchema] = {}
    wrong: list[tuple[Place, str]] = []
    for name, at in schema_places(pipeline).items():
        path = toolschema.path_of(name)
        if not path.is_file():
            wrong.append((at, toolschema.missing(name)))
            continue
        try:
            loaded[name] = toolschema.load(path)
        except ConfigError as error:
            wrong.append((at, f"the tool schema is wrong:\n{error}"))
            continue
        if fault := _key_fault(pipeline, loaded[name]):
            wrong.append((("into", "key"), fault))
    if wrong:
        raise _refused(wrong, written)
    return loaded


def _key_fault(pipeline: Pipeline, tool: ToolSchema) -> str | None:
    key = pipeline.sink().key
    if key.casefold() in {name.casefold() for name in tool.parameters.get("properties", {})}:
        return f"{key!r} is a property of the schema {tool.id!r} too: name another column"
    return None


def _step_faults(steps: object) -> list[tuple[Place, str]]:
    """Find items that are no mapping of one kind: pydantic's sentence would not say what was meant."""
    known = ", ".join(KINDS)
    wrong: list[tuple[Place, str]] = []
    for index, step in enumerate(steps if isinstance(steps, list) else []):
        at: Place = ("steps", index)
        if not isinstance(step, dict):
            wrong.append((at, f"must be `KIND: {{…}}` with KIND one of {known}, not {shown(step)}"))
        elif not any(kind in step for kind in KINDS):
            name = next(iter(step), None)
            near = meant(name, KINDS) if step else f"; known: {known}"
            wrong.append(((*at, name) if isinstance(name, str) else at, f"unknown kind of step{near}"))
        elif len(step) > 1:
            wrong.append((at, f"one step has one kind, not {', '.join(map(str, step))}: indent its options"))
    return wrong


def _refused(wrong: Iterable[tuple[Place, str]], written: YamlText | None = None) -> ConfigError:
    lines = []
    for at, fault in wrong:
        parts = [written.place(at) if written else "", place(at), fault]
        lines.append(": ".join(part for part in parts if part))
    if len(lines) > MAX_FAULTS:
        lines[MAX_FAULTS:] = [f"{len(lines) - MAX_FAULTS} more"]
    return ConfigError("\n".join(lines))
