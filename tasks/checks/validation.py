"""Builds the validator of a JSON Schema: Draft 2020-12, linted first, cut off from the network."""

from typing import TYPE_CHECKING, Any

from docmill.schemas.errors import ConfigError
from docmill.tasks.checks.subschemas import written

if TYPE_CHECKING:  # jsonschema takes its time to import
    from jsonschema.protocols import Validator


def validator(schema: dict[str, Any] | bool) -> "Validator":
    """Build the validator of a Draft 2020-12 schema, which is linted first; nothing is ever fetched.

    Raises ConfigError where the schema itself is wrong.
    """
    from referencing import Registry

    from docmill.tasks.checks.dialect import FORMATS, Dialect
    from docmill.tasks.checks.lint import lint

    if wrong := lint(schema):
        at, fault = wrong[0]
        raise ConfigError(f"the schema is wrong at {written(at) or '/'}: {fault}")
    # jsonschema would change to the dialect that the schema names, which is without our keywords.
    own = {key: schema[key] for key in schema if key != "$schema"} if isinstance(schema, dict) else schema
    checked: Validator = Dialect(own, registry=Registry(), format_checker=FORMATS)
    return checked
