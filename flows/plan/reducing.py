"""What it takes to make one answer of those of a document's parts, before any of them is known."""

from docmill.flows.plan.amounts import Calls, Span, exactly
from docmill.tasks.chat.usage import Allowed

BYTES_AN_ANSWER = Span(0.2, 1.2, 8)  # of each token that it may have: a tenth of them of 2 bytes, to all of 8


def reducing(answers: int, most: int, allowed: Allowed) -> Calls:
    """Count the requests that make one answer of so many, of which one request takes `most` bytes."""
    found = [
        _reduced(answers, each * allowed.answer_tokens, most, allowed)
        for each in (BYTES_AN_ANSWER.low, BYTES_AN_ANSWER.likely, BYTES_AN_ANSWER.high)
    ]
    calls, sizes = (Span(*numbers) for numbers in zip(*found, strict=True))
    return Calls(calls, Span(), sizes, calls.by(exactly(allowed.answer_tokens)))


def perhaps_in_parts(asked: Calls, longest: int, most: int, allowed: Allowed) -> Calls:
    """Give the calls of a text that is not known, `longest` bytes at most: one, or one for each of its parts.

    One request takes `most` bytes of it. Parts are half full at the least, and their answers may have to be
    made one.
    """
    if longest <= most:
        return asked
    calls = Span(1, 1, -(-2 * longest // most) + 1)
    more = (calls.high - 1) * allowed.request_bytes
    sizes = asked.read_bytes + Span(0, 0, more + longest)
    return Calls(calls, Span(), sizes, calls.by(exactly(allowed.answer_tokens)))


def _reduced(answers: float, length: float, most: int, allowed: Allowed) -> tuple[float, float]:
    """Count requests and the bytes of their bodies, where each answer is so long."""
    calls = sizes = 0.0
    while answers * length > most:
        groups = min(answers - 1, -(-2 * answers * length // most))  # parts are half full at the least
        calls, sizes = calls + groups, sizes + answers * length + groups * allowed.request_bytes
        if groups <= 1:
            break
        answers = groups
    return calls + 1, sizes + min(answers * length, most) + allowed.request_bytes
