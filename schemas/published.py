"""The JSON Schema of pipelines, for editors: `python -m docmill.schemas.published` writes it anew."""

import json
from pathlib import Path

from docmill.schemas.pipeline import Pipeline

FILE = Path(__file__).with_name("pipeline.schema.json")
DRAFT = "https://json-schema.org/draft/2020-12/schema"


def published() -> str:
    """Write the schema of a pipeline's YAML as text."""
    schema = {"$schema": DRAFT, **Pipeline.model_json_schema(by_alias=True)}
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    FILE.write_text(published())
