"""`docmill init`: a folder that runs at once."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from docmill.flows.cli.options import Json
from docmill.flows.cli.output import console, print_json
from docmill.schemas.errors import ConfigError
from docmill.tasks.local_model.weights import INSTALL, installed

TEMPLATE = Path(__file__).with_name("new_project")
HIDDEN = {"gitignore": ".gitignore", "env.example": ".env.example"}  # so named there, as git reads the first

Directory = Annotated[Path, Parameter(help="The folder, which is made where there is none")]


def init(directory: Directory = Path(), /, *, json: Json = False) -> int:
    """Write a pipeline with a schema and a document, and deployments for it; what stands there is kept."""
    written: list[str] = []
    kept: list[str] = []
    for source in sorted(each for each in TEMPLATE.rglob("*") if each.is_file()):
        path = source.relative_to(TEMPLATE)
        path = path.with_name(HIDDEN.get(path.name, path.name))
        (written if _put(source, directory / path) else kept).append(str(path))
    if json:
        print_json({"directory": str(directory), "written": written, "kept": kept})
        return 0
    steps = [] if directory.resolve() == Path.cwd() else [f"cd {directory}"]
    steps += [] if installed() else [f"{command}      # the embedded model" for command in INSTALL]
    steps += ["docmill run pipelines/first.yaml", "docmill up      # its deployments in the Prefect UI"]
    lines = [f"wrote {', '.join(written)}"] if written else []
    lines += [f"kept what stood there: {', '.join(kept)}"] if kept else []
    for line in [*lines, "next, type:", *(f"  {step}" for step in steps)]:
        console().print(line, markup=False, soft_wrap=True)
    return 0


def _put(source: Path, target: Path) -> bool:
    """Write a file where none stands; says whether it did."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("xb") as out:
            out.write(source.read_bytes())
    except FileExistsError:
        if not target.exists() and not target.is_symlink():  # a folder's name is a file's
            raise ConfigError(f"{target} cannot be written: {target.parent} is no directory") from None
        return False
    except OSError as error:
        raise ConfigError(f"{target} cannot be written: {error.strerror}") from None
    return True
