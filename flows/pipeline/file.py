"""A pipeline's file: found by its name, and read with the place of everything in it."""

import os
import re
from pathlib import Path

from docmill.flows.pipeline.checked import CheckedPipeline, declared
from docmill.schemas.errors import ConfigError
from docmill.tasks.checks import yamltext
from docmill.tasks.checks.faults import shown
from docmill.tasks.checks.spelling import meant

FOLDERS = (Path("flows/pipelines"), Path("pipelines"))
NAME = r"[a-z0-9][a-z0-9_-]*"


def load(path: Path) -> CheckedPipeline:
    """Read a pipeline's file and check all of it, its tool schemas included.

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


def pipeline_file(name: str) -> Path:
    """Find a pipeline's file: the path itself, or NAME.yaml in the first folder of pipelines that has it.

    Raises ConfigError for a name of which no folder has a file.
    """
    bare = "/" not in name and not name.endswith((".yaml", ".yml"))
    return _file_of(name) if bare and not Path(name).is_file() else Path(name)


def named(name: object, place: str) -> CheckedPipeline:
    """Load a pipeline by its name, which may come from anywhere: it is never taken as a path.

    Raises ConfigError, naming the place, also for one that reads rows: no document arrives at it.
    """
    if not isinstance(name, str) or not re.fullmatch(NAME, name):
        raise ConfigError(f"{place}: must be the name of a file in {_folders_named()}, such as inbox")
    try:
        file = _file_of(name)
    except ConfigError as error:
        raise ConfigError(f"{place}: {error}") from None
    found = load(file)
    if found.pipeline.rows is not None:
        raise ConfigError(f"{place}: {name} reads rows, and documents cannot arrive at it")
    return found


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
