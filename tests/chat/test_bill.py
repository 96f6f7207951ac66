"""The most that an attempt may cost is what its budget reserves."""

from decimal import Decimal
from typing import Any

import pytest

from docmill.schemas.endpoint import Prices
from docmill.tasks.chat.bill import TOOLS_TOKENS, most_usd
from docmill.tasks.chat.usage import Allowed
from tests.support.asking import target

PRICES = Prices(input=Decimal(1), output=Decimal(10))


def most(request: dict[str, Any], prices: Prices | None = PRICES, **given: Any) -> float | None:
    asked = target("http://127.0.0.1:1/v1", prices=prices)
    allowed = Allowed.of(request, 1000, asked.endpoint)
    return most_usd(asked, allowed, **{"tools": False, **given})


def test_it_is_a_token_a_byte_and_all_answers_at_their_longest():
    assert most({"max_tokens": 100}) == pytest.approx((1000 + 100 * 10) / 1e6)
    assert most({"max_completion_tokens": 100, "n": 3}) == pytest.approx((1000 + 300 * 10) / 1e6)


def test_tools_are_written_into_the_prompt_by_the_server():
    assert most({"max_tokens": 100}, tools=True) == pytest.approx((1000 + TOOLS_TOKENS + 1000) / 1e6)


def test_what_goes_into_the_servers_cache_may_cost_more_than_reading_it():
    dear = Prices(input=Decimal(1), output=Decimal(10), cache_write=Decimal(2))
    assert most({"max_tokens": 100}, dear) == pytest.approx((2000 + 1000) / 1e6)


def test_a_model_without_a_price_has_none():
    assert most({"max_tokens": 100}, None) is None
