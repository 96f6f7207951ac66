"""`complete`: each decision about the one task that calls, each with a test that fails without it."""

import json
import os
import pickle
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from prefect.utilities.annotations import opaque, quote

from docmill.schemas.errors import CutShort, Deferred, Fatal, InvalidReply, Permanent, Refused
from docmill.tasks.chat import transport
from docmill.tasks.chat.kept import Cache
from tests.support import streams
from tests.support.asking import ask, forced, free, target
from tests.support.provider import Provider
from tests.support.shapes import rate_limited, saying, written

pytestmark = pytest.mark.usefixtures("prefect_api", "cache")


async def test_the_bytes_that_are_hashed_are_sent(provider: Provider):
    body = forced()
    await ask(target(provider.url), body)
    assert provider.bodies() == [body]


async def test_a_second_run_reads_the_cache(provider: Provider, shared: Cache):
    first = await ask(target(provider.url), free())
    second = await ask(target(provider.url), free())
    assert (first.names, second.names) == (["Completed"], ["Cached"])
    assert await first.completions() == await second.completions()
    assert len(provider.requests) == 1


async def test_identical_requests_at_the_same_moment_are_sent_once(provider: Provider, shared: Cache):
    provider.delay_s = 0.2
    asked = await ask(target(provider.url), *[free()] * 11)
    assert sorted(asked.names) == ["Cached"] * 10 + ["Completed"]
    assert len(provider.requests) == 1


@pytest.mark.slow
async def test_refresh_asks_anew_and_still_once(provider: Provider, shared: Cache):
    await ask(target(provider.url), free())
    asked = await ask(target(provider.url), *[free()] * 11, refresh=True)
    assert sorted(asked.names) == ["Cached"] * 10 + ["Completed"]
    assert len(provider.requests) == 2


async def test_another_endpoint_is_another_answer(provider: Provider):
    await ask(target(provider.url, cache_id="a"), free())
    await ask(target(provider.url, cache_id="b"), free())
    assert len(provider.requests) == 2


async def test_a_cache_id_shares_answers_between_addresses(provider: Provider):
    await ask(target(provider.url, cache_id="same"), free())
    await ask(target(f"{provider.url}/", cache_id="same"), free())
    assert len(provider.requests) == 1


async def test_stream_and_user_are_sent_but_not_hashed(provider: Provider):
    await ask(target(provider.url), free(user="a"), free(user="b"))
    assert len(provider.requests) == 1


async def test_what_the_reply_must_satisfy_is_part_of_the_key(provider: Provider):
    provider.always(saying('{"n": 1}'))
    await ask(target(provider.url), free())
    await ask(target(provider.url), free(), schema='{"type": "object"}')
    assert len(provider.requests) == 2


async def test_task_runs_are_named_and_run_once_under_a_rate_limit(provider: Provider):
    provider.script(*[rate_limited("1")] * 3)
    asked = await ask(target(provider.url), free("a"), free("b"))
    runs = await asked.task_runs(2)
    assert {run["name"] for run in runs} == {"s d0", "s d1"}
    assert {run["run_count"] for run in runs} == {1}
    assert {run["state"]["type"] for run in runs} == {"COMPLETED"}


async def test_a_rate_limit_with_status_200_is_waited_out_too(provider: Provider):
    provider.script(written({"error": {"code": 429, "message": "slow down"}}))
    asked = await ask(target(provider.url), free())
    assert asked.names == ["Completed"]
    [run] = await asked.task_runs(1)
    assert run["run_count"] == 1


async def test_a_server_error_is_tried_five_times(provider: Provider):
    provider.always("server_error")
    asked = await ask(target(provider.url), free())
    [error] = await asked.errors()
    assert isinstance(error, Deferred)
    assert len(provider.requests) == 5
    [run] = await asked.task_runs(1)
    assert run["run_count"] == 5


@pytest.mark.slow
@pytest.mark.parametrize(
    "shape", ["disconnect", "disconnect_mid_body", "not_json", "html_page", "no_choices"]
)
async def test_what_may_have_been_billed_is_tried_twice(provider: Provider, shape: str):
    provider.always(shape)
    [error] = await (await ask(target(provider.url), free())).errors()
    assert isinstance(error, Deferred)
    assert len(provider.requests) == 2


async def test_tries_belong_to_the_request_not_to_the_task_run(provider: Provider):
    provider.always("unavailable")
    asked = await ask(target(provider.url), *[free()] * 20)
    assert {type(error) for error in await asked.errors()} == {Deferred}
    assert len(provider.requests) == 5


@pytest.mark.slow
async def test_a_hundred_requests_cost_a_dead_server_few_attempts(provider: Provider):
    provider.always("unavailable")
    asked = await ask(target(provider.url), *[free(f"text {number}") for number in range(100)])
    assert {type(error) for error in await asked.errors()} == {Deferred}
    assert len(provider.requests) <= 30


@pytest.mark.slow
async def test_a_model_that_302ai_does_not_serve_is_asked_once_more_and_stops_the_run(provider: Provider):
    provider.always("no_model")
    asked = await ask(target(provider.url), free())
    [error] = await asked.errors()
    assert (type(error), len(provider.requests)) == (Fatal, 2)
    assert asked.session.stopped.is_set()


async def test_a_model_that_302ai_serves_again_is_used(provider: Provider):
    provider.script("no_model")
    assert (await ask(target(provider.url), free())).names == ["Completed"]


@pytest.mark.slow
@pytest.mark.parametrize("shape", streams.GOOD)
async def test_a_stream_is_the_completion_that_a_plain_reply_is(provider: Provider, shape: str):
    """And has its record: a later run that does not stream reads it."""
    provider.always(streams.GOOD[shape])
    [streamed] = await (await ask(target(provider.url, stream=True), forced())).completions()
    assert provider.requests[0].parsed["stream"] is True
    assert provider.requests[0].headers["accept"] == "text/event-stream"
    assert (json.loads(streamed.text), streamed.finish_reason) == ({"n": 1}, "tool_calls")
    asked = await ask(target(provider.url), forced())
    assert (asked.names, await asked.completions()) == (["Cached"], [streamed])


@pytest.mark.parametrize("shape", [name for name in streams.BAD if name != "stream_stall"])
async def test_a_stream_that_goes_wrong_is_never_taken(provider: Provider, shape: str):
    provider.always(streams.BAD[shape])
    asked = await ask(target(provider.url, stream=True), forced())
    assert asked.names != ["Completed"]
    assert len(provider.requests) <= 5


async def test_a_stream_that_falls_silent_is_given_up(provider: Provider, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(transport, "CHUNK_TIMEOUT_S", 0.2)
    provider.always(streams.BAD["stream_stall"])
    [error] = await (await ask(target(provider.url, stream=True), forced())).errors()
    assert "the server sent nothing for 0.2 s" in str(error)


async def test_a_server_that_does_not_stream_is_read_all_the_same(provider: Provider):
    assert (await ask(target(provider.url, stream=True), free())).names == ["Completed"]


async def test_a_body_that_asks_for_a_stream_itself_gets_one(provider: Provider):
    provider.always(streams.GOOD["stream"])
    assert (await ask(target(provider.url), free(stream=True))).names == ["Completed"]


async def test_a_request_that_breaks_a_rule_is_not_sent(provider: Provider):
    [error] = await (await ask(target(provider.url), free(temperature=2.5))).errors()
    assert str(error) == "temperature: must be less than or equal to 2, not 2.5"
    assert provider.requests == []


async def test_a_short_outage_is_survived(provider: Provider):
    provider.script("server_error", "unavailable", "disconnect")
    assert (await ask(target(provider.url), free())).names == ["Completed"]


async def test_a_bad_reply_is_repaired_and_cached_under_the_first_request(provider: Provider, shared: Cache):
    provider.script(saying('{"n": "one"}'))
    await ask(target(provider.url), forced())
    again = await ask(target(provider.url), forced())
    assert again.names == ["Cached"]
    first, second = (json.loads(body) for body in provider.bodies())
    assert second["messages"][: len(first["messages"])] == first["messages"]
    reply, wrong = second["messages"][len(first["messages"]) :]
    assert wrong["tool_call_id"] == reply["tool_calls"][0]["id"]
    assert "n: must be integer" in wrong["content"]


async def test_a_reply_is_repaired_twice_at_most(provider: Provider):
    provider.always("schema_invalid")
    [error] = await (await ask(target(provider.url), forced())).errors()
    assert isinstance(error, InvalidReply)
    assert len(provider.requests) == 3


async def test_a_rejected_reply_is_asked_again_by_a_new_run(provider: Provider, shared: Cache):
    provider.script(*["schema_invalid"] * 3)
    await ask(target(provider.url), forced())
    assert (await ask(target(provider.url), forced())).names == ["Completed"]


async def test_a_reply_that_was_cut_is_asked_for_twice_as_long(provider: Provider):
    provider.script("length")
    assert (await ask(target(provider.url), free())).names == ["Completed"]
    assert [json.loads(body)["max_tokens"] for body in provider.bodies()] == [100, 200]


async def test_a_reply_that_is_cut_again_is_invalid_even_if_it_parses(provider: Provider):
    provider.always("length")
    [error] = await (await ask(target(provider.url), forced())).errors()
    assert isinstance(error, CutShort)
    assert len(provider.requests) == 2


async def test_twice_as_long_ends_at_the_endpoints_cap(provider: Provider):
    provider.always("length")
    await ask(target(provider.url, max_output_tokens=150), free())
    assert [json.loads(body)["max_tokens"] for body in provider.bodies()] == [100, 150]


@pytest.mark.parametrize("shape", ["refusal", "content_filter"])
async def test_a_refusal_is_not_asked_again(provider: Provider, shape: str):
    provider.always(shape)
    [error] = await (await ask(target(provider.url), forced())).errors()
    assert isinstance(error, Refused)
    assert len(provider.requests) == 1


@pytest.mark.parametrize("shape", ["bad_request", "too_large", "unprocessable"])
async def test_what_the_server_will_not_take_is_not_asked_again(provider: Provider, shape: str):
    provider.always(shape)
    [error] = await (await ask(target(provider.url), forced())).errors()
    assert isinstance(error, Permanent)
    assert len(provider.requests) == 1


@pytest.mark.parametrize("shape", ["unknown_finish", "missing_finish", "null_finish"])
async def test_an_unknown_end_is_accepted_only_where_json_validates(provider: Provider, shape: str):
    provider.always(shape)
    assert (await ask(target(provider.url), forced())).names == ["Completed"]
    [error] = await (await ask(target(provider.url), free())).errors()
    assert isinstance(error, InvalidReply)


@pytest.mark.parametrize(
    "shape",
    ["ok", "raw_finish", "doubly_encoded", "arguments_object", "missing_usage", "null_usage", "zero_usage"],
)
async def test_odd_but_good_replies_are_taken(provider: Provider, shape: str):
    provider.always(shape)
    assert (await ask(target(provider.url), forced())).names == ["Completed"]


@pytest.mark.parametrize("shape", ["invalid_json", "nan", "duplicate_keys", "wrong_tool", "no_call"])
async def test_a_bad_reply_is_never_taken(provider: Provider, shape: str):
    provider.always(shape)
    [error] = await (await ask(target(provider.url), forced())).errors()
    assert isinstance(error, InvalidReply)


@pytest.mark.parametrize("shape", ["missing_usage", "null_usage", "zero_usage"])
async def test_a_missing_usage_is_estimated_and_marked(provider: Provider, shape: str):
    provider.always(shape)
    [done] = await (await ask(target(provider.url), free())).completions()
    assert done.usage_estimated
    assert done.prompt_tokens > 0


async def test_the_cache_is_private(provider: Provider, cache: Path):
    await ask(target(provider.url), free())
    modes = {stat.S_IMODE(each.stat().st_mode) for each in cache.rglob("*") if each.is_file()}
    assert modes == {0o600}
    folders = [cache, *(each for each in cache.rglob("*") if each.is_dir())]
    assert {stat.S_IMODE(each.stat().st_mode) for each in folders} == {0o700}


async def test_a_failed_call_leaves_no_record(provider: Provider, cache: Path):
    provider.always("bad_request")
    await ask(target(provider.url), free())
    assert not [each for each in cache.rglob("*") if each.is_file() and each.name != "locks"]


class Owned:
    """What a planted record would do."""

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (Path("owned"),)


def _pickled(record: dict[str, object]) -> dict[str, object]:
    import base64

    metadata = record["metadata"]
    assert isinstance(metadata, dict)
    planted = {**metadata, "serializer": {"type": "pickle", "picklelib": "cloudpickle"}}
    return {"metadata": planted, "result": base64.b64encode(pickle.dumps(Owned())).decode()}


def _decoded(record: dict[str, object]) -> dict[str, object]:
    metadata = record["metadata"]
    assert isinstance(metadata, dict)
    return {"metadata": {**metadata, "serializer": {"type": "json"}}, "result": record["result"]}


def _half(record: dict[str, object]) -> dict[str, object]:
    return {"metadata": record["metadata"], "result": '"{}"'}


@pytest.mark.parametrize("plant", [_pickled, _decoded, _half])
async def test_a_planted_record_is_a_miss(
    provider: Provider, cache: Path, plant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    await ask(target(provider.url), free())
    [file] = [each for each in cache.rglob("*") if each.is_file() and each.name != "locks"]
    file.write_text(json.dumps(plant(json.loads(file.read_text()))))
    assert (await ask(target(provider.url), free())).names == ["Completed"]
    assert not Path("owned").exists()


def _pipe(file: Path) -> None:
    file.unlink()
    os.mkfifo(file)


def _device(file: Path) -> None:
    file.unlink()
    file.symlink_to("/dev/zero")


def _link(file: Path) -> None:
    file.rename(file.with_name("elsewhere"))
    file.symlink_to("elsewhere")


@pytest.mark.slow
@pytest.mark.timeout(60)
@pytest.mark.parametrize("plant", [_pipe, _device, _link])
async def test_what_is_no_regular_file_in_a_records_place_is_a_miss(
    provider: Provider, cache: Path, plant: Callable[[Path], None]
):
    await ask(target(provider.url), free())
    [file] = [each for each in cache.rglob("*") if each.is_file() and each.name != "locks"]
    plant(file)
    assert (await ask(target(provider.url), free())).names == ["Completed"]
    assert len(provider.requests) == 2
    assert stat.S_ISREG(file.lstat().st_mode)
    assert (await ask(target(provider.url), free())).names == ["Cached"]


async def test_a_cache_that_takes_no_record_is_told(provider: Provider, cache: Path):
    cache.mkdir()
    (cache / "chat").write_text("in the way")
    asked = await ask(target(provider.url), free())
    with pytest.raises(Exception, match=r"the cache .* cannot be written"):
        asked.session.check_storage()


async def test_a_key_is_sent_and_never_shown(provider: Provider, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DOCMILL_TEST_TOKEN", "sk-very-secret")
    provider.always(lambda request: written({"error": {"message": request.headers["authorization"]}}, 400))
    [error] = await (await ask(target(provider.url, api_key_env="DOCMILL_TEST_TOKEN"), free())).errors()
    assert provider.requests[0].headers["authorization"] == "Bearer sk-very-secret"
    assert "[key]" in error.body
    assert "sk-very-secret" not in f"{error!r} {error.__dict__}"


async def test_an_error_carries_status_code_request_id_and_excerpt(provider: Provider):
    said = {"error": {"message": "x" * 1000, "code": "odd"}}
    provider.always(written(said, 422, x_request_id="req-1"))
    [error] = await (await ask(target(provider.url), free())).errors()
    assert (error.status, error.code, error.request_id, len(error.body)) == (422, "odd", "req-1", 500)


@pytest.mark.slow
async def test_no_more_calls_are_in_flight_than_the_lane_takes(provider: Provider):
    provider.delay_s = 0.05
    await ask(target(provider.url), *(free(str(number)) for number in range(20)), concurrency=4)
    assert provider.most_in_flight == 4


@pytest.mark.slow
async def test_costs_are_booked_for_each_reply_paid(provider: Provider):
    provider.script("schema_invalid")
    prices = {"input": "1", "output": "2"}
    asked = await ask(target(provider.url, prices=prices), forced())
    tally = asked.session.settle(("d0", "s"))
    assert (tally.attempts, tally.calls) == (2, 2)
    expected = (tally.prompt_tokens + 2 * tally.completion_tokens) / 1_000_000
    assert tally.cost_usd == pytest.approx(expected)


async def test_outside_of_a_session_the_environment_says_whom_to_ask(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
):
    from prefect import flow

    from docmill.tasks.chat.complete import complete

    @flow
    async def plain() -> str:
        await complete(quote(free()), step="a", document="d")  # type: ignore[call-overload]
        first = await complete(quote(free()), step="a", document="d", return_state=True)  # type: ignore[misc]
        assert first.name == "Cached"
        return await complete(quote(forced()), step="b", document="d", wait_for=[opaque(first)])

    with pytest.raises(Exception, match="DOCMILL_BASE_URL and DOCMILL_MODEL"):
        await plain()
    monkeypatch.setenv("DOCMILL_BASE_URL", provider.url)
    monkeypatch.setenv("DOCMILL_MODEL", "m")
    assert '"text"' in await plain()
    assert len(provider.requests) == 2
