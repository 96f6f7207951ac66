"""How a pipeline's results are evaluated: its labels, how values are compared, and what has to hold."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from docmill.schemas.endpoint import Declared, without_password

REVIEWS: Literal["reviews"] = "reviews"  # what people decided; a file of that name is ./reviews
Share = Annotated[float, Field(ge=0, le=1)]
Comparison = Annotated[
    str, Field(pattern=r"^(exact|text|date|number( \d+(\.\d+)?%?)?|fuzzy( (0(\.\d+)?|1(\.0+)?))?)$")
]


class LabelsQuery(Declared):
    """Labels in a table: a row a document, its columns as in a file of labels."""

    url: Annotated[str, AfterValidator(without_password)] = Field(
        min_length=1, description="The database: a SQLAlchemy URL, in which ${NAME} takes a variable"
    )
    query: str = Field(min_length=1, description="A SELECT, run in a transaction that writes nothing")


class Evaluate(Declared):
    """What the results are held against at the end of each run, and by `docmill evaluate`."""

    labels: Annotated[str, Field(min_length=1)] | LabelsQuery = Field(
        description="A file of labels, CSV or JSONL; reviews: what people decided; or url and query"
    )
    min_label: Share | None = Field(default=None, description="The least accuracy of the labels, 0 to 1")
    min_field: Share | None = Field(default=None, description="The least accuracy of each field, 0 to 1")
    no_worse_than: Literal["accepted"] | None = Field(
        default=None, description="accepted: what `docmill evaluate --accept` has kept last"
    )
    compare: dict[str, Comparison] = Field(
        default_factory=dict,
        description="Field, or * for all, to how it is compared: exact, text, date, number [TOLERANCE], "
        "fuzzy [LEAST]; by the schema's type where nothing is said",
    )


NO_LABEL = "(none)"  # what a table of labels calls a document that was given none
MOST_LABELS = 12  # that a table of them has columns for


class Verdict(BaseModel):
    """What results have come to against labels: shares of right values, and why they are not good enough.

    `answered` of the `documents` that have a label have a good outcome. `confusion` is for each label how
    often it was taken for which, '' for none.
    """

    model_config = ConfigDict(frozen=True)

    labels: str
    documents: int
    answered: int
    label: float | None = None
    all_fields: float | None = None
    fields: dict[str, float | None] = {}
    confusion: dict[str, dict[str, int]] = {}
    reasons: tuple[str, ...] = ()
