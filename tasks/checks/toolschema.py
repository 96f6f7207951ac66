"""Tool schemas as their files declare them: checked, written out and closed when they are loaded."""

import json
from difflib import get_close_matches
from functools import reduce
from pathlib import Path
from typing import Any

from pydantic import ValidationError

import docmill.schemas
from docmill.schemas.errors import ConfigError
from docmill.schemas.tool import ToolFile, ToolSchema
from docmill.tasks.checks import regular
from docmill.tasks.checks.closing import closed
from docmill.tasks.checks.declared import faults as declared_faults
from docmill.tasks.checks.inlining import inlined
from docmill.tasks.checks.jsonlines import line_of
from docmill.tasks.checks.jsontext import parse
from docmill.tasks.checks.lint import Faults, lint
from docmill.tasks.checks.older import translated
from docmill.tasks.checks.rules.language import rule_faults
from docmill.tasks.checks.spelling import meant
from docmill.tasks.checks.subschemas import OWN, Pointer, Schema, without, written
from docmill.tasks.checks.toolfile import RULES, rules_at, unwrapped

# Where a schema is looked for by its name: in the working directory, then among docmill's own.
FOLDERS = (Path("schemas/tools"), Path("schemas"), Path(docmill.schemas.__path__[0]) / "tools")
FIXED_COLUMNS = ("document_id", "content_sha256", "run_id")
MAX_NAME_BYTES = 63
MAX_FAULTS = 10


def path_of(name: str) -> Path:
    """Find the file of a schema as a pipeline names it: a path, or a name that a folder of schemas has.

    Where none has it, the file is where it belongs, in schemas/tools, and does not exist.
    """
    if _is_path(name):
        return Path(name)
    files = [folder / f"{name}.json" for folder in FOLDERS]
    return next((file for file in files if file.is_file()), files[0])


def missing(name: str) -> str:
    """Say that a schema has no file, where it was looked for, and what was meant."""
    if _is_path(name):
        folders = dict.fromkeys((Path(name).parent, *FOLDERS[:2]))
        files = {file.name: str(file) for folder in folders for file in sorted(folder.glob("*.json"))}
        near = get_close_matches(Path(name).name, files, n=1)
        said = f"; did you mean {files[near[0]]}?" if near else meant(name, files.values())
        return f"there is no tool schema {name!r}{said}"
    stems = (file.stem for folder in FOLDERS for file in sorted(folder.glob("*.json")))
    known = (stem for stem in stems if "." not in stem)  # pipeline.schema.json describes no tool
    return f"there is no tool schema {name!r} in schemas/tools, schemas or docmill's own{meant(name, known)}"


def _is_path(name: str) -> bool:
    return "/" in name or name.endswith(".json")


def load(path: Path) -> ToolSchema:
    """Read a tool schema's file; its id is the file's stem.

    Raises ConfigError with each fault on a line of its own: the file, its line, the place (the column of
    a syntax error, else a JSON pointer), what is wrong and what to do.
    """
    text = _read(path)
    return made(_parsed(text, path), path.stem, str(path), text)


def made(
    declared: Any, id_: str, place: str, text: str = "", *, bare: bool = False, columns: bool = True
) -> ToolSchema:
    """Make the tool schema of a tool, or of a JSON Schema alone.

    `place` is where its faults are said to be, with the line where there is the `text` that declares it.
    `bare` says that only its parameters were declared, so that faults are placed below these. With
    `columns` its properties have to be columns of a typed table too. Raises ConfigError as `load` does.
    """

    def refused(faults: Faults) -> ConfigError:
        told = [
            f"{place}{f':{line_of(text, at)}' if text else ''}: {written(at) or '/'}: {fault}"
            for at, fault in faults[:MAX_FAULTS]
        ]
        more = [f"{place}: {len(faults) - MAX_FAULTS} more"] if len(faults) > MAX_FAULTS else []
        return ConfigError("\n".join([*told, *more]))

    try:
        tool, at = unwrapped(declared, id_)
    except ValueError as error:
        raise ConfigError(f"{place}: {error}") from None
    rules = (RULES,) if bare else rules_at(declared, at)
    at = () if bare else at
    if "id" in tool:
        raise ConfigError(f"{place}: must not hold an id: it is the file's name")
    if "parameters" in tool:
        tool["parameters"] = translated(tool["parameters"])
    try:
        checked = ToolFile.model_validate({**tool, "id": id_})
    except ValidationError as error:
        faults = [(tuple(map(str, where)), fault) for where, fault in declared_faults(error, tool, ToolFile)]
        raise refused([(_placed(where, at, rules), fault) for where, fault in faults]) from None
    if wrong := lint(checked.parameters):
        raise refused(_below(at, wrong))
    try:
        parameters = inlined(reduce(without, OWN, checked.parameters))
        marked = inlined(checked.parameters)
    except ValueError as error:
        raise refused([(at, str(error))]) from None
    if wrong := [*_shape_faults(parameters), *(column_faults(parameters) if columns else [])]:
        raise refused(_below(at, wrong))
    if wrong := rule_faults(checked.rules, parameters):
        raise refused(_below(rules, wrong))
    return ToolSchema(
        **checked.model_dump(by_alias=True) | {"parameters": _whole(parameters), "marked": _whole(marked)}
    )


def column_faults(parameters: dict[str, Any]) -> Faults:
    """List the properties that cannot be columns of a typed table."""
    wrong: Faults = []
    seen = dict.fromkeys(FIXED_COLUMNS, "a column that every table has")
    for name in parameters.get("properties", {}):
        at = ("properties", name)
        if taken := seen.get(name.casefold()):
            wrong.append((at, f"{name!r} is the name of {taken}: rename it"))
        if not name or "\0" in name or len(name.encode()) > MAX_NAME_BYTES:
            wrong.append((at, f"a column's name has 1 to {MAX_NAME_BYTES} bytes, not {len(name.encode())}"))
        seen.setdefault(name.casefold(), f"property {name!r}, but for case")
    return wrong


def _read(path: Path) -> str:
    try:
        with regular.opened(path) as file:
            return str(file.read().decode("utf-8-sig"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8 at byte {error.start}: save it as UTF-8") from None


def _parsed(text: str, path: Path) -> Any:
    try:
        return parse(text)
    except json.JSONDecodeError as error:
        raise ConfigError(f"{path}:{error.lineno}:{error.colno}: not JSON: {error.msg}") from None
    except ValueError as error:
        raise ConfigError(f"{path}: not a JSON that is taken here: {error}") from None


def _whole(parameters: Schema) -> Schema:
    return {key: value for key, value in closed(parameters).items() if key not in ("$schema", "$id")}


def _shape_faults(parameters: dict[str, Any]) -> Faults:
    declared = parameters.get("type")
    if declared == "object":
        return []
    return [(("type",), f"must be 'object', not {declared!r}: a record is an object")]


def _placed(where: Pointer, at: Pointer, rules: Pointer) -> Pointer:
    """Give the place in what is declared of one in docmill's own form, whose schema and rules stand there."""
    below = {"parameters": at, RULES: rules}.get(where[0])
    return (*at[:-1], *where) if below is None else (*below, *where[1:])


def _below(at: Pointer, faults: Faults) -> Faults:
    return [((*at, *inner), fault) for inner, fault in faults]
