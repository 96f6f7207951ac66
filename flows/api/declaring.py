"""What callers declare, checked as a pipeline's keys are."""

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from docmill.schemas.errors import ConfigError
from docmill.tasks.checks.declared import faults
from docmill.tasks.checks.faults import place

Model = TypeVar("Model", bound=BaseModel)


def declared(model: type[Model], of: str, values: Mapping[str, Any]) -> Model:
    """Make a model of what a caller gave; raises ConfigError, a line for each fault."""
    if values.get("long", "fail") != "fail":
        raise ConfigError(
            f"{of}: long: only a pipeline reads a text in parts; a function reads it as a whole"
        )
    try:
        return model.model_validate(values)
    except ValidationError as error:
        lines = (
            ": ".join(filter(None, (of, place(at), fault))) for at, fault in faults(error, values, model)
        )
        raise ConfigError("\n".join(lines)) from None
