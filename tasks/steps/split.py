"""The step that divides files: a page in, what it says of the document that it belongs to out.

No pipeline lists it among its steps: the key `split` asks for it.
"""

import json
from typing import Any

from docmill.schemas.bundle import Pages
from docmill.schemas.chat import Completion
from docmill.schemas.endpoint import Target
from docmill.schemas.tool import ToolSchema
from docmill.tasks.checks.page_signs import Said
from docmill.tasks.steps import prompt
from docmill.tasks.steps.kind import StepKind

MAX_TOKENS = 128
FIRST, LATER = "first", "later"
QUESTION = (
    "This is one page of a file in which several documents were scanned one after the other. Is it the "
    "first page of its document, or a later one? A first page has a letterhead, an addressee, a date, a "
    "title or the number 1; a later one goes on in a text or table, or has a higher number. Which page "
    "number is printed on it, and who has sent or issued it? What does not stand on it is null."
)
OF_WHICH_KIND = "Which kind of document does it belong to?"


class SplitKind(StepKind[Pages]):
    """What a page says of the document that it belongs to."""

    def tool(self, options: Pages, schema: ToolSchema | None) -> ToolSchema:  # noqa: ARG002
        """Make the tool that takes what a page says."""
        properties: dict[str, Any] = {
            "page": {
                "type": "string",
                "enum": [FIRST, LATER],
                "description": "Which page of its document it is",
            },
            "number": {"type": ["integer", "null"], "description": "The page number that is printed on it"},
            "sender": {
                "type": ["string", "null"],
                "description": "Who has sent or issued it, as written there",
            },
        }
        if options.labels:
            properties["kind"] = {"type": ["string", "null"], "enum": [*options.labels, None]}
        parameters = {
            "type": "object",
            "properties": properties,
            "required": list(properties),
            "additionalProperties": False,
        }
        said = "Record what the page says of its document."
        return ToolSchema(id="split", name="split", description=said, parameters=parameters)

    def request(self, text: str, options: Pages, tool: ToolSchema | None, target: Target) -> bytes:
        """Build the body that asks of one page."""
        kinds = [
            f"\n- {name}: {label.description}" for name, label in options.labels.items() if label.description
        ]
        asked = f"{QUESTION} {OF_WHICH_KIND}{''.join(kinds)}" if options.labels else QUESTION
        messages = [prompt.question(text, asked, options)]
        return prompt.body(target, messages, options, max_tokens=MAX_TOKENS, tool=tool)

    def read(self, completion: Completion, options: Pages) -> Said:  # noqa: ARG002
        """Take what the page says out of its completion."""
        record = json.loads(completion.text)
        return Said(record["page"] == FIRST, record["number"], record["sender"], record.get("kind"))


KIND = SplitKind()
