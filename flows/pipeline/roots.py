"""DOCMILL_ROOTS: the folders and URLs below which a pipeline that is a parameter may read and write."""

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import docmill.schemas
from docmill.flows.pipeline.graph import steps
from docmill.schemas.endpoint import VARIABLE
from docmill.schemas.errors import ConfigError
from docmill.schemas.evaluate import REVIEWS, LabelsQuery
from docmill.schemas.pipeline import Pipeline
from docmill.tasks.checks import toolschema
from docmill.tasks.checks.faults import place
from docmill.tasks.sources.patterns import beginning
from docmill.tasks.sources.urls import is_remote, path_of, url_glob

ROOTS = "DOCMILL_ROOTS"
BETWEEN = re.compile(f"{os.pathsep}(?!//)")  # as in PATH; the colon of a URL's scheme is none
OWN_SCHEMAS = Path(docmill.schemas.__path__[0])
SQLITE = re.compile(r"sqlite(?:\+\w+)?:///(.*)", re.DOTALL)


@dataclass(frozen=True)
class Roots:
    """Folders, whose links are followed, and beginnings of URLs, which end at a slash."""

    folders: tuple[Path, ...]
    urls: tuple[str, ...]

    @classmethod
    def of_environment(cls) -> "Roots":
        """Read DOCMILL_ROOTS; the working directory where it is not set, or empty."""
        said = [part for part in BETWEEN.split(os.environ.get(ROOTS, "")) if part.strip()]
        folders = tuple(_real(part) for part in said if "://" not in part)
        return cls(folders if said else (_real(""),), tuple(_folder(part) for part in said if "://" in part))

    def beside(self, patterns: Iterable[str]) -> "Roots":
        """Add the folders of a pipeline's own documents: who declared them permits those."""
        begun = [_beginning(pattern) for pattern in patterns if not VARIABLE.search(pattern)]
        urls = tuple(_folder(each.rpartition("/")[0]) for each in begun if isinstance(each, str))
        folders = tuple(each if each.is_dir() else each.parent for each in begun if isinstance(each, Path))
        return Roots((*self.folders, *folders), (*self.urls, *urls))

    def require_documents(self, where: str, patterns: Iterable[str]) -> None:
        """Raise ConfigError, naming the place, for a glob or URL that begins elsewhere."""
        for pattern in patterns:
            if is_remote(pattern) and VARIABLE.search(pattern):
                raise ConfigError(f"{where}: a parameter takes nothing from the environment: {pattern!r}")
            self._require(where, pattern, _beginning(pattern))

    def require_file(self, where: str, name: str, file: Path) -> None:
        """Raise ConfigError, naming the place, for a file that lies elsewhere once links are followed."""
        self._require(where, name, _real(file))

    def _require(self, where: str, name: str, begun: Path | str) -> None:
        if isinstance(begun, Path):
            held = any(begun.is_relative_to(folder) for folder in self.folders)
        else:
            held = any(begun.startswith(url) for url in self.urls)
        if not held:
            raise ConfigError(
                f"{where}: {name!r} does not lie below {self._listed()}: a parameter may name nothing "
                f"else. Set {ROOTS} where the flow runs, or give the pipeline as a file"
            )

    def _listed(self) -> str:
        return " or ".join([*map(str, self.folders), *self.urls])


def require_within(pipeline: Pipeline) -> None:
    """Raise ConfigError for what a pipeline that is a parameter names outside of DOCMILL_ROOTS.

    It is judged before any of it is read: documents, tool schemas (docmill's own are free), and the
    files of SQLite.
    """
    roots = Roots.of_environment()
    roots.require_documents("documents", pipeline.patterns())
    roots.require_documents("rows.files", pipeline.rows.patterns() if pipeline.rows else ())
    schemas = Roots((*roots.folders, _real(OWN_SCHEMAS)), roots.urls)
    for where, name in _schemas(pipeline):
        schemas.require_file(where, name, toolschema.path_of(name))
    for at, _, options in steps(pipeline).values():
        if isinstance(options.examples, str):
            roots.require_documents(place((*at, "examples")), (options.examples,))
    databases = {"into": pipeline.sink().url, "rows.url": (pipeline.rows and pipeline.rows.url) or ""}
    labels = pipeline.evaluate.labels if pipeline.evaluate else None
    if isinstance(labels, str) and labels != REVIEWS:
        roots.require_file("evaluate.labels", labels, Path(labels))
    elif isinstance(labels, LabelsQuery):
        databases["evaluate.labels.url"] = labels.url
    for where, url in databases.items():
        require_database_within(where, url)


def require_database_within(where: str, url: str) -> None:
    """Raise ConfigError, naming the place, for a file of SQLite outside of DOCMILL_ROOTS."""
    if found := SQLITE.fullmatch(url):
        if "?" in url:
            raise ConfigError(f"{where}: a parameter names a file of SQLite alone, without options")
        Roots.of_environment().require_file(where, found[1], Path(found[1]))


def _schemas(pipeline: Pipeline) -> Iterator[tuple[str, str]]:
    for at, acts, options in steps(pipeline).values():
        for inner, name in acts.schemas(options):
            yield place((*at, *inner)), name


def _beginning(pattern: str) -> Path | str:
    """Give what everything that a glob or URL matches begins with."""
    if is_remote(pattern):
        glob = url_glob(pattern)
        return f"{glob.protocol}://{glob.bucket}/{glob.prefix}"
    return _real(beginning(path_of(pattern), Path.cwd()))


def _real(path: Path | str) -> Path:
    return Path(os.path.realpath(path))


def _folder(url: str) -> str:
    scheme, _, rest = url.partition("://")
    return f"{scheme.lower()}://{rest.rstrip('/')}/"
