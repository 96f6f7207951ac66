"""The declared pipeline: what stands in a pipeline's YAML, and the deployed flow's parameter."""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from docmill.schemas.alert import Alert
from docmill.schemas.budget import Budget
from docmill.schemas.bundle import Split
from docmill.schemas.document import Ocr
from docmill.schemas.endpoint import Declared, Endpoint, without_password
from docmill.schemas.evaluate import Evaluate, Share
from docmill.schemas.notify import Notify
from docmill.schemas.steps import Models, Step, kind_and_options

Gone = Literal["keep", "mark", "remove"]
Pattern = Annotated[str, Field(min_length=1)]


class Rows(Declared):
    """The rows of a query, or of files, each of which is a document."""

    url: Annotated[str, Field(min_length=1), AfterValidator(without_password)] | None = Field(
        default=None, description="The database: a SQLAlchemy URL, in which ${NAME} takes a variable"
    )
    files: Pattern | Annotated[tuple[Pattern, ...], Field(min_length=1)] | None = Field(
        default=None,
        description="Instead of a database: CSV, JSONL, Parquet or Excel, a glob or a URL, or a list of them",
    )
    sheet: str | None = Field(
        default=None, min_length=1, description="The sheet of Excel files; the first where none is named"
    )
    query: str | None = Field(
        default=None,
        min_length=1,
        description="A SELECT that writes nothing; over `rows`, which are all of `files`",
    )
    key: str = Field(
        min_length=1, description="The column whose value is the document's id: unique, not NULL"
    )
    text: str | None = Field(
        default=None,
        min_length=1,
        description="The document's text: a Jinja2 template over the query's columns",
    )
    document: str | None = Field(
        default=None,
        min_length=1,
        description="The column that names the row's file, whose text follows the row's own",
    )
    since: str | None = Field(
        default=None,
        min_length=1,
        description="A column that only grows, such as updated_at: rows below the last run's are not read",
    )

    @model_validator(mode="after")
    def _one_place(self) -> "Rows":
        if (self.url is None) == (self.files is None):
            raise ValueError("give either `url` or `files`")
        if self.url and self.query is None:
            raise ValueError("a `url` needs a `query`")
        if self.text is None and self.document is None:
            raise ValueError("give `text`, or `document`, or both")
        return self

    def patterns(self) -> tuple[str, ...]:
        """List the globs of its files; a database has none."""
        return _listed(self.files)


class Limits(Declared):
    """What a run may take."""

    concurrency: int = Field(default=8, gt=0, strict=True, le=1000, description="Calls in flight at a time")
    requests_per_minute: int | None = Field(
        default=None, gt=0, strict=True, description="Requests in any minute, of all processes on one cache"
    )
    tokens_per_minute: int | None = Field(
        default=None,
        gt=0,
        strict=True,
        description="Tokens in any minute, read and written, of all processes on one cache",
    )


class Into(Declared):
    """A results database, and the one typed table that is named otherwise."""

    url: Annotated[str, AfterValidator(without_password)] = Field(description="A SQLAlchemy URL")
    table: str | None = Field(
        default=None, min_length=1, max_length=63, description="The table of the one extract schema"
    )
    key: str = Field(
        default="document_id", min_length=1, max_length=63, description="Its column of the document's id"
    )


class Pipeline(Declared):
    """Declared steps over a source into a sink.

    It is what a pipeline's YAML says; docs/pipelines.md has every key. `docmill.load` gives one of a file,
    with the places of what is wrong; made by hand, a wrong key is a pydantic ValidationError.

    >>> pipeline = docmill.Pipeline.model_validate(
    ...     {"name": "letters", "documents": "in/*.txt", "steps": [{"summarize": {"max_words": 40}}]}
    ... )
    >>> pipeline.endpoint, pipeline.into
    ('local', 'sqlite:///docmill.db')
    """

    name: str = Field(pattern=r"^[a-z0-9-]+$", max_length=40, description="Keys the results")
    documents: Pattern | Annotated[tuple[Pattern, ...], Field(min_length=1)] | None = Field(
        default=None, description="A glob or a URL such as s3://bucket/in/*.txt, or a list of them"
    )
    rows: Rows | None = Field(default=None, description="The rows of a table instead of documents")
    endpoint: str | Endpoint = Field(default="local", description="local, 302ai, a URL, or a mapping")
    model: Models | None = Field(
        default=None,
        description="The model's id at the endpoint, or a list: the next is asked where one will not do",
    )
    steps: tuple[Step, ...] = Field(min_length=1)
    into: Annotated[str, AfterValidator(without_password)] | Into = Field(
        default="sqlite:///docmill.db", description="The results database: a SQLAlchemy URL, or a mapping"
    )
    limits: Limits = Limits()
    budget: Budget | None = Field(default=None, description="USD that its runs may spend at most")
    confirm_above_usd: Annotated[float, Field(ge=0)] | None = Field(
        default=None, description="A run that may cost more asks before anything is sent"
    )
    unread: Literal["review", "allow"] = Field(
        default="review",
        description="Whether what could not be read of a document keeps it from being done: review, or allow",
    )
    ocr: Ocr = Field(
        default="missing",
        description="Pictures that are read: off, missing (those of pages without text), always (every page)",
    )
    fail_above: Share = Field(
        default=0.0,
        description="The share of a run's documents that may be invalid, refused or failed, 0 to 1",
    )
    alert: Alert | None = Field(default=None, description="What a run emits the event docmill.alert for")
    split: bool | Split = Field(
        default=False,
        description="Whether a file that holds several documents (PDF, TIFF, mail, zip) is divided",
    )
    gone: Gone = Field(
        default="keep",
        description="What becomes of the rows of documents that are no longer in the source",
    )
    notify: Notify | None = Field(default=None, description="Whom a webhook tells of outcomes")
    review: Literal["later", "pause"] = Field(
        default="later",
        description="Whether a run in Prefect pauses for decisions on what it has brought into review",
    )

    evaluate: Evaluate | None = Field(
        default=None, description="Labels that the results are held against, and what has to hold"
    )

    @model_validator(mode="after")
    def _one_source(self) -> "Pipeline":
        if (self.documents is None) == (self.rows is None):
            raise ValueError("give either `documents` or `rows`")
        if self.split and self.rows is not None:
            raise ValueError("split: divides files: `rows` have none")
        return self

    def patterns(self) -> tuple[str, ...]:
        """List the globs of its source; rows have none."""
        return _listed(self.documents)

    def reads_since(self) -> bool:
        """Say whether rows that a run before has read are not listed again."""
        return self.rows is not None and self.rows.since is not None

    def splits(self) -> Split | None:
        """Say how files are divided; None where they are not."""
        return Split() if self.split is True else self.split or None

    def sink(self) -> Into:
        """Give the results database in its long form."""
        return Into(url=self.into) if isinstance(self.into, str) else self.into


def step_ids(pipeline: Pipeline) -> Iterator[str]:
    """Name the steps in the order written."""
    for step in pipeline.steps:
        kind, options = kind_and_options(step)
        yield options.id or kind


def _listed(patterns: str | tuple[str, ...] | None) -> tuple[str, ...]:
    if patterns is None:
        return ()
    return (patterns,) if isinstance(patterns, str) else patterns
