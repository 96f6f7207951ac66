"""The step summarize: a text in, a shorter text out."""

from docmill.schemas.endpoint import Target
from docmill.schemas.steps import Summarize
from docmill.schemas.tool import ToolSchema
from docmill.tasks.steps import prompt
from docmill.tasks.steps.examples import turns
from docmill.tasks.steps.kind import InParts, StepKind

CHARS_A_WORD = 40  # five times what languages with long words need
WORDS_A_SENTENCE = 60


class SummarizeKind(StepKind[Summarize]):
    """A summary in plain text."""

    fills = "summary"

    def request(self, text: str, options: Summarize, tool: ToolSchema | None, target: Target) -> bytes:
        """Build the body that asks for a summary of the text."""
        question = _instruction(options)
        shown = turns(self.examples(options, tool), question, options)
        messages = [*shown, prompt.question(text, question, options)]
        return prompt.body(target, messages, options, max_tokens=3 * options.max_words + 64, tool=tool)

    def in_parts(self, options: Summarize) -> InParts:  # noqa: ARG002
        """Have one summary made of those of the parts."""
        return "reduced"

    def of_part(self, options: Summarize) -> str:  # noqa: ARG002
        """Say nothing more: a part is summarized as a whole is."""
        return ""

    def of_answers(self, options: Summarize) -> str:  # noqa: ARG002
        """Say what the summaries are."""
        return (
            "The document consists of summaries of the parts of a longer document, in their order. "
            "Summarize that document as a whole."
        )

    def longest(self, options: Summarize) -> int:
        """Bound it by a multiple of the words that were asked for."""
        return CHARS_A_WORD * max(options.max_words, WORDS_A_SENTENCE * (options.sentences or 0))


KIND = SummarizeKind()


def _instruction(options: Summarize) -> str:
    if options.sentences == 1:
        return "Summarize the document in one short sentence."
    if options.sentences:
        return f"Summarize the document in {options.sentences} sentences. Write nothing else."
    return f"Summarize the document in at most {options.max_words} words. Write nothing else."
