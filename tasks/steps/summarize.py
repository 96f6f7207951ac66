"""The step summarize: a text in, a shorter text out."""

from docmill.schemas.chat import Completion
from docmill.schemas.endpoint import Target
from docmill.schemas.pipeline import Summarize
from docmill.tasks.steps import prompt


def request(text: str, options: Summarize, target: Target) -> bytes:
    """Build the body that asks for a summary of the text."""
    message = prompt.turn(prompt.beginning(text, options.max_input_tokens), _instruction(options))
    return prompt.body(target, [message], options, max_tokens=3 * options.max_words + 64)


def read(completion: Completion) -> str:
    """Take the summary out of its completion."""
    return completion.text.strip()


def _instruction(options: Summarize) -> str:
    if options.sentences == 1:
        return "Summarize the document in one short sentence."
    if options.sentences:
        return f"Summarize the document in {options.sentences} sentences. Write nothing else."
    return f"Summarize the document in at most {options.max_words} words. Write nothing else."
