"""The declared steps of a pipeline: a kind of step each, with what it understands."""

from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag, model_validator

from docmill.schemas.endpoint import Declared
from docmill.schemas.example import Example
from docmill.schemas.rule import Rule

StepId = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]*$", max_length=40)]
Lists = Literal["auto", "model", "columns"]
DOCUMENT = "document"
WHOLE_DOCUMENT = Field(default=DOCUMENT, description="What the step reads: document, or another step's id")


def _different(models: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(models)) < len(models):
        raise ValueError("names a model twice")
    return models


Model = Annotated[str, Field(min_length=1)]
Models = Model | Annotated[tuple[Model, ...], Field(min_length=1), AfterValidator(_different)]


def in_turn(models: Models | None) -> tuple[str, ...]:
    """List the models that are asked in turn."""
    return (models,) if isinstance(models, str) else models or ()


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
    model: Models | None = Field(
        default=None, description="The model of this step, or a list of them that are asked in turn"
    )
    max_tokens: int | None = Field(
        default=None, gt=0, strict=True, description="Limit of the reply, in tokens"
    )
    max_input_tokens: int | None = Field(
        default=None, gt=0, strict=True, description="Reads only the first tokens of its input (bytes / 3)"
    )
    long: Literal["fail", "parts"] = Field(
        default="fail",
        description="What becomes of a text over the context or max_input_tokens: parts reads all of it",
    )
    instructions: str | None = Field(
        default=None, min_length=1, description="The team's own words, which follow the step's instruction"
    )
    first: Literal["document", "instructions"] = Field(
        default="document",
        description="What its requests begin with: what many begin with alike a prompt cache reads once",
    )
    examples: str | tuple[Example, ...] = Field(
        default=(),
        description="Documents with the answers that they should have; or a folder or glob of JSON files",
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
        if getattr(self, "votes", None) and self.long == "parts":
            raise ValueError("votes: parts of a long text are asked once each: leave votes or long out")
        return self


FROM_REVIEWS = Field(
    default=None,
    gt=0,
    le=20,
    strict=True,
    description="So many documents that people brought to done in review are shown as examples",
)
SO_MANY_VOTES = "So many answers are asked for, and what they differ on is in review"
VOTES = Field(default=None, ge=2, le=9, strict=True, description=SO_MANY_VOTES)


class Summarize(StepOptions):
    """A summary in plain text, of at most `max_words` words or of so many sentences."""

    max_words: int = Field(default=100, gt=0, strict=True, le=2000)
    sentences: int | None = Field(default=None, gt=0, strict=True, le=50)

    @model_validator(mode="before")
    @classmethod
    def _unvoted(cls, data: Any) -> Any:
        if isinstance(data, dict) and "votes" in data:
            raise ValueError("votes: no two summaries are alike: labels and records have votes")
        return data


class Label(Declared):
    """One label: what it means, and documents (or their beginnings) that carry it."""

    description: str = ""
    examples: tuple[str, ...] = ()


def labelled(value: Any) -> Any:
    """Write a label in its long form."""
    return {"description": value or ""} if value is None or isinstance(value, str) else value


class Classify(StepOptions):
    """Exactly one of the labels."""

    labels: dict[
        Annotated[str, Field(min_length=1)],
        Annotated[Label, BeforeValidator(labelled, json_schema_input_type=Label | str | None)],
    ] = Field(min_length=2, description="Each label with what it means, and examples")
    parts: int = Field(
        default=1,
        gt=0,
        le=20,
        strict=True,
        description="Of a long text so many first parts are asked; the label that most of them have is taken",
    )
    examples_from_reviews: int | None = FROM_REVIEWS
    votes: int | None = VOTES

    @model_validator(mode="after")
    def _of_parts(self) -> "Classify":
        if self.parts > 1 and self.long != "parts":
            raise ValueError("parts: says how many parts of a long text are asked: add `long: parts`")
        return self


IS_COMPLETE = "Whether rows that no item stands for keep a document from being done: review, or off"
WHO_READS = "Who reads the rows of tables: code if they are long (auto), code (columns), or model"
RULES: Any = Field(
    default=(), description="What a record has to keep beyond its schema, in CEL; a broken one is reviewed"
)


class Extract(StepOptions):
    """A record that satisfies a tool schema: `schema`, or the one that the label of `by` chooses."""

    by: StepId | None = Field(default=None, description="The classify step whose label chooses the schema")
    schemas: dict[str, str] = Field(
        default_factory=dict, description="Label to tool schema: a name, or a path"
    )
    schema_: str | None = Field(
        default=None, alias="schema", description="The one tool schema, where no label chooses"
    )
    complete: Literal["review", "off"] = Field(default="review", description=IS_COMPLETE)
    lists: Lists = Field(default="auto", description=WHO_READS)
    examples_from_reviews: int | None = FROM_REVIEWS
    votes: int | None = VOTES
    rules: tuple[Rule, ...] = RULES

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
    complete: Literal["review", "off"] = Field(default="off", description=IS_COMPLETE)
    lists: Lists = Field(default="model", description=WHO_READS)
    examples_from_reviews: int | None = FROM_REVIEWS
    votes: int | None = VOTES
    rules: tuple[Rule, ...] = RULES

    @model_validator(mode="after")
    def _reviewed(self) -> "Ask":
        for name in ("examples_from_reviews", "votes", "rules"):
            if getattr(self, name) and self.schema_ is None:
                raise ValueError(f"{name}: answers in text are not reviewed: give it a schema")
        return self


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
AnyKind = Kind | Literal["split"]  # with what no pipeline lists among its steps


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


def kind_and_options(step: Step) -> tuple[Kind, StepOptions]:
    """Take a declared step apart."""
    kind = next(kind for kind in KINDS if hasattr(step, kind))
    return kind, getattr(step, kind)
