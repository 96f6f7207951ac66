"""The declared pipeline: what stands in a pipeline's YAML, and the deployed flow's parameter."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag, model_validator

from docmill.schemas.endpoint import Declared, Endpoint, without_password
from docmill.schemas.rule import Rule

StepId = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]*$", max_length=40)]
Pattern = Annotated[str, Field(min_length=1)]
DOCUMENT = "document"
WHOLE_DOCUMENT = Field(default=DOCUMENT, description="What the step reads: document, or another step's id")


class StepOptions(Declared):
    """What every kind of step understands."""

    id: StepId | None = Field(default=None, description="Its name in results; the kind by default")
    needs: tuple[StepId, ...] | None = Field(
        default=None, description="Steps that come first; the one above by default, [] for none"
    )
    input: str = WHOLE_DOCUMENT
    when: dict[StepId, str | tuple[str, ...]] = Field(
        default_factory=dict, description="Runs only where that classify step chose (one of) these labels"
    )
    max_tokens: int | None = Field(
        default=None, gt=0, strict=True, description="Limit of the reply, in tokens"
    )
    max_input_tokens: int | None = Field(
        default=None, gt=0, strict=True, description="Reads only the first tokens of its input (bytes / 3)"
    )
    params: dict[str, Any] = Field(
        default_factory=dict,
        description="Further request parameters, such as temperature; null takes one away",
    )

    @model_validator(mode="after")
    def _own_parameters(self) -> "StepOptions":
        taken = {"model", "messages", "tools", "tool_choice", "response_format", "max_tokens", "n", "stream"}
        if wrong := sorted(taken & self.params.keys()):
            raise ValueError(f"params must not hold {', '.join(wrong)}: docmill sets it itself")
        return self


class Summarize(StepOptions):
    """A summary in plain text, of at most `max_words` words or of so many sentences."""

    max_words: int = Field(default=100, gt=0, strict=True, le=2000)
    sentences: int | None = Field(default=None, gt=0, strict=True, le=50)


class Label(Declared):
    """One label: what it means, and documents (or their beginnings) that carry it."""

    description: str = ""
    examples: tuple[str, ...] = ()


def _label(value: Any) -> Any:
    return {"description": value or ""} if value is None or isinstance(value, str) else value


class Classify(StepOptions):
    """Exactly one of the labels."""

    labels: dict[
        Annotated[str, Field(min_length=1)],
        Annotated[Label, BeforeValidator(_label, json_schema_input_type=Label | str | None)],
    ] = Field(min_length=2, description="Each label with what it means, and examples")


class Extract(StepOptions):
    """A record that satisfies a tool schema: `schema`, or the one that the label of `by` chooses."""

    by: StepId | None = Field(default=None, description="The classify step whose label chooses the schema")
    schemas: dict[str, str] = Field(
        default_factory=dict, description="Label to tool schema: a name, or a path"
    )
    schema_: str | None = Field(
        default=None, alias="schema", description="The one tool schema, where no label chooses"
    )
    complete: Literal["review", "off"] = Field(
        default="review",
        description="Whether rows that no item stands for keep a document from being done: review, or off",
    )

    rules: tuple[Rule, ...] = Field(
        default=(),
        description="What a record has to keep beyond its schema, in CEL; a broken one is reviewed",
    )

    @model_validator(mode="after")
    def _one_way(self) -> "Extract":
        if (self.by is None) == (self.schema_ is None) or (self.by is None) != (not self.schemas):
            raise ValueError("give either `schema: NAME`, or `by: STEP` with `schemas: {label: NAME}`")
        return self


class Ask(StepOptions):
    """A free question about the document; with a schema its answer is a record, kept in `steps` alone."""

    prompt: str = Field(min_length=1, description="The question, which follows the document")
    schema_: str | None = Field(
        default=None,
        alias="schema",
        description="The tool schema that its answer satisfies; free text without",
    )


def _options(value: Any) -> Any:
    return {} if value is None else value


class SummarizeStep(Declared):
    """One step of a pipeline: `- summarize: {…}`."""

    summarize: Annotated[Summarize, BeforeValidator(_options, json_schema_input_type=Summarize | None)]


class ClassifyStep(Declared):
    """One step of a pipeline: `- classify: {…}`."""

    classify: Classify


class ExtractStep(Declared):
    """One step of a pipeline: `- extract: {…}`."""

    extract: Extract


class AskStep(Declared):
    """One step of a pipeline: `- ask: {…}`."""

    ask: Ask


Kind = Literal["summarize", "classify", "extract", "ask"]
KINDS: tuple[Kind, ...] = get_args(Kind)


def _kind(value: Any) -> str | None:
    keys = value.keys() if isinstance(value, dict) else type(value).model_fields
    return next((kind for kind in KINDS if kind in keys), None)


Step = Annotated[
    Annotated[SummarizeStep, Tag("summarize")]
    | Annotated[ClassifyStep, Tag("classify")]
    | Annotated[ExtractStep, Tag("extract")]
    | Annotated[AskStep, Tag("ask")],
    Discriminator(
        _kind,
        custom_error_type="step_kind",
        custom_error_message="a step is one of summarize, classify, extract, ask",
    ),
]


class Rows(Declared):
    """The rows of a query, each of which is a document."""

    url: Annotated[str, AfterValidator(without_password)] = Field(
        min_length=1, description="The database: a SQLAlchemy URL, in which ${NAME} takes a variable"
    )
    query: str = Field(min_length=1, description="A SELECT, run in a transaction that writes nothing")
    key: str = Field(
        min_length=1, description="The column whose value is the document's id: unique, not NULL"
    )
    text: str = Field(
        min_length=1, description="The document's text: a Jinja2 template over the query's columns"
    )


class Limits(Declared):
    """What a run may take."""

    concurrency: int = Field(default=8, gt=0, strict=True, le=1000, description="Calls in flight at a time")


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
    model: str | None = Field(default=None, min_length=1, description="The model's id at the endpoint")
    steps: tuple[Step, ...] = Field(min_length=1)
    into: Annotated[str, AfterValidator(without_password)] | Into = Field(
        default="sqlite:///docmill.db", description="The results database: a SQLAlchemy URL, or a mapping"
    )
    limits: Limits = Limits()
    unread: Literal["review", "allow"] = Field(
        default="review",
        description="Whether what could not be read of a document keeps it from being done: review, or allow",
    )

    @model_validator(mode="after")
    def _one_source(self) -> "Pipeline":
        if (self.documents is None) == (self.rows is None):
            raise ValueError("give either `documents` or `rows`")
        return self

    def patterns(self) -> tuple[str, ...]:
        """List the globs of its source; rows have none."""
        if self.documents is None:
            return ()
        return (self.documents,) if isinstance(self.documents, str) else self.documents

    def sink(self) -> Into:
        """Give the results database in its long form."""
        return Into(url=self.into) if isinstance(self.into, str) else self.into


def kind_and_options(step: Step) -> tuple[Kind, StepOptions]:
    """Take a declared step apart."""
    kind = next(kind for kind in KINDS if hasattr(step, kind))
    return kind, getattr(step, kind)


def step_ids(pipeline: Pipeline) -> Iterator[str]:
    """Name the steps in the order written."""
    for step in pipeline.steps:
        kind, options = kind_and_options(step)
        yield options.id or kind
