"""Extraction into a record, with the place of each of its values in the text."""

import asyncio
from collections.abc import Mapping
from typing import Any, TypeVar, Unpack, overload

from pydantic import BaseModel, ValidationError

from docmill.flows.api.declaring import declared
from docmill.flows.api.schema import tool_schema
from docmill.flows.api.steps import Further, answered
from docmill.schemas.errors import InvalidReply
from docmill.schemas.record import Evidence, Record
from docmill.schemas.steps import Extract
from docmill.tasks.checks.declared import faults
from docmill.tasks.checks.evidence.grounding import Grounding, Grounds
from docmill.tasks.checks.faults import place
from docmill.tasks.steps.extract import KIND

LONGEST_ON_LOOP_CHARS = 65_536
MAX_FAULTS = 5
Model = TypeVar("Model", bound=BaseModel)


@overload
async def extract(
    text: str,
    schema: type[Model],
    *,
    step: str = "extract",
    document: str | None = None,
    **further: Unpack[Further],
) -> Record[Model]: ...


@overload
async def extract(
    text: str,
    schema: str | Mapping[str, Any],
    *,
    step: str = "extract",
    document: str | None = None,
    **further: Unpack[Further],
) -> Record[dict[str, Any]]: ...


async def extract(
    text: str,
    schema: str | Mapping[str, Any] | type[BaseModel],
    *,
    step: str = "extract",
    document: str | None = None,
    **further: Unpack[Further],
) -> Record[Any]:
    """Extract a record that satisfies a schema, and find each of its values in the text.

    Args:
        text: The document, which is data to the model.
        schema: A pydantic class, of which the value is an instance; or a JSON Schema of an object, or a
            tool with `name`, `description` and `parameters`; or the name of a file in schemas/tools, or
            a path. Objects are closed to further properties unless they say otherwise.
        step: Names the task run, with `document`.
        document: What the text is called; by default the beginning of the request's sha256.
        further: `max_tokens`, `max_input_tokens`, `instructions` and `params`, as in a pipeline.

    A value that the text does not hold is in `missing`, and no error: see `Record`. `x-evidence: false`
    in a schema (pydantic: `Field(json_schema_extra={"x-evidence": False})`) exempts a value.

    Raises what `summarize` raises, ConfigError for a schema that is wrong, and InvalidReply where no
    reply satisfied it. Validators written in Python judge the record only after its reply was taken:
    what they refuse is an InvalidReply too, and is not asked for again.

    >>> class Bill(pydantic.BaseModel):
    ...     total: decimal.Decimal
    ...     due: datetime.date | None = None
    >>> record = await docmill.extract("Total due: 318.40 EUR", Bill)
    >>> record.value, record.missing
    (Bill(total=Decimal('318.4'), due=None), ())

    """
    tool = tool_schema(schema)
    options = declared(Extract, "extract", {"schema": tool.id, **further})
    completion = await answered("extract", text, options, step, document, tool)
    found = KIND.read(completion, options)
    value = _instance(schema, completion.text) if isinstance(schema, type) else found
    grounding = await _grounded(text, found, tool.marked)
    return Record(
        value=value,
        evidence=tuple(Evidence(**entry) for entry in grounding.evidence),
        missing=tuple(dict.fromkeys(grounding.missing)),
    )


def _instance(model: type[Model], text: str) -> Model:
    try:
        return model.model_validate_json(text)
    except ValidationError as error:
        lines = [": ".join(filter(None, (place(at), said))) for at, said in faults(error, {}, model)]
        raise InvalidReply(
            f"the record does not satisfy {model.__name__}", body="; ".join(lines[:MAX_FAULTS])
        ) from None


async def _grounded(text: str, record: dict[str, Any], schema: dict[str, Any]) -> Grounding:
    """Hold a record against its text; a long one in a thread."""

    def find() -> Grounding:
        return Grounds(text).of(record, schema)

    return find() if len(text) <= LONGEST_ON_LOOP_CHARS else await asyncio.to_thread(find)
