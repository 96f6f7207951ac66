"""What a plan says of answers that are not known yet: from how many to how many calls."""

import pytest

from docmill.flows.plan.amounts import Calls, Span, exactly
from docmill.flows.plan.reducing import perhaps_in_parts, reducing
from docmill.tasks.chat.usage import Allowed

ALLOWED = Allowed(request_bytes=500, answer_tokens=100, context_tokens=8_000)


def test_few_answers_are_made_one_by_one_call():
    found = reducing(4, 10_000, ALLOWED)
    assert (found.paid, found.may_write) == (exactly(1), exactly(100))
    assert 500 < found.read_bytes.low < found.read_bytes.likely < found.read_bytes.high == 500 + 4 * 800


@pytest.mark.parametrize("answers", [2, 30, 1_000])
def test_many_answers_take_more_calls_the_longer_they_are(answers: int):
    found = reducing(answers, 2_000, ALLOWED)
    assert 1 <= found.paid.low <= found.paid.likely <= found.paid.high < 5 * answers
    assert (found.paid.high > 1) == (answers > 2)


def test_a_text_that_is_not_known_may_be_read_in_parts():
    one = Calls(exactly(1), Span(), Span(500, 900, 1_300), exactly(100))
    assert perhaps_in_parts(one, 800, 800, ALLOWED) == one
    found = perhaps_in_parts(one, 800, 200, ALLOWED)
    assert (found.paid.low, found.paid.high) == (1, 9)
    assert found.read_bytes.high > one.read_bytes.high
