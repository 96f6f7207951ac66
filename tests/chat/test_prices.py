"""What calls cost: declared prices first, else list prices, without a look at the network."""

import json
import subprocess
import sys
from decimal import Decimal

import pytest

from docmill.schemas.endpoint import BUILT_IN, LOCAL, LOCAL_MODEL, Endpoint, Prices, Target
from docmill.tasks.chat.prices import cost_usd
from docmill.tasks.chat.usage import Tokens

LISTED = {  # USD a million tokens: input, output
    "claude-3-haiku-20240307": (0.25, 1.25),
    "claude-3-opus-20240229": (15, 75),
    "claude-3-5-haiku-20241022": (0.8, 4),
    "claude-3-5-sonnet-20240620": (3, 15),
    "claude-3-5-sonnet-20241022": (3, 15),
    "claude-3-7-sonnet-20250219": (3, 15),
    "claude-3-7-sonnet-latest": (3, 15),
}
OFFLINE = """
import json, os, sys

def refuse(event, arguments):
    if event.startswith("socket."):
        os._exit(9)

sys.addaudithook(refuse)
from docmill.schemas.endpoint import BUILT_IN, Target
from docmill.tasks.chat.prices import cost_usd
from docmill.tasks.chat.usage import Tokens

endpoint = BUILT_IN["302ai"]
models = json.loads(sys.argv[1])
targets = [Target(name="302ai", endpoint=endpoint, model=model, identity="i") for model in models]
print(json.dumps([cost_usd(target, Tokens(1_000_000, 1_000_000)) for target in targets]))
"""


def target(model: str, endpoint: Endpoint = BUILT_IN["302ai"]) -> Target:
    return Target(name="t", endpoint=endpoint, model=model, identity="i")


@pytest.mark.parametrize(("model", "prices"), LISTED.items())
def test_the_models_of_302ai_have_list_prices(model: str, prices: tuple[float, float]):
    cost_in, cost_out = prices
    assert cost_usd(target(model), Tokens(1_000_000, 0)) == pytest.approx(cost_in)
    assert cost_usd(target(model), Tokens(0, 1_000_000)) == pytest.approx(cost_out)
    assert cost_usd(target(model), Tokens(300, 20)) == pytest.approx(
        (300 * cost_in + 20 * cost_out) / 1_000_000
    )


def offline(script: str, models: list[str]) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-c", script, json.dumps(models)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_list_prices_are_found_without_a_socket():
    """In a process that a socket ends at once, from the import on."""
    found = offline(OFFLINE, [*LISTED, "no-such-model"])
    assert found.returncode == 0, found.stderr
    assert json.loads(found.stdout) == [*(pytest.approx(sum(prices)) for prices in LISTED.values()), None]
    assert offline(f"{OFFLINE}import socket; socket.socket()", []).returncode == 9


def test_declared_prices_come_before_list_prices():
    declared = Prices(input=Decimal("0.5"), output=Decimal(2))
    endpoint = Endpoint(base_url="https://api.302.ai/v1", prices=declared)
    for model in ("claude-3-opus-20240229", "no-such-model"):
        assert cost_usd(target(model, endpoint), Tokens(1_000_000, 500_000)) == pytest.approx(1.5)


def test_a_price_of_nothing_is_a_price():
    endpoint = Endpoint(base_url="https://api.302.ai/v1", prices=Prices(input=Decimal(0), output=Decimal(0)))
    assert cost_usd(target("claude-3-opus-20240229", endpoint), Tokens(1_000_000, 1_000_000)) == 0


@pytest.mark.parametrize("model", ["no-such-model", "", "smollm2-135m-instruct", "m"])
def test_a_model_that_no_list_knows_has_no_price(model: str):
    assert cost_usd(target(model), Tokens(1, 1)) is None


def test_the_embedded_model_costs_nothing():
    assert cost_usd(target(LOCAL_MODEL, LOCAL), Tokens(1_000_000, 1_000_000)) == 0
