"""What a run did by slots of its time: few slots, and no sum lost."""

from hypothesis import given
from hypothesis import strategies as st

from docmill.schemas.timeline import MEASURES, Measure, Timeline
from docmill.tasks.chat.recorder import MOST, Recorder

STEPS = st.tuples(st.floats(0, 5000), st.sampled_from(MEASURES), st.integers(1, 1000))


class Clock:
    """A clock that goes on as it is told."""

    now = 50.0

    def __call__(self) -> float:
        return self.now


def recorded(clock: Clock, *steps: tuple[float, Measure, float]) -> Timeline:
    recorder = Recorder(clock)
    for waited_s, measure, amount in steps:
        clock.now += waited_s
        recorder.add(measure, amount)
    return Timeline.model_validate(recorder.series())


@given(st.lists(STEPS, max_size=60))
def test_sums_are_kept_in_at_most_120_slots_that_cover_the_time(steps: list[tuple[float, Measure, int]]):
    clock = Clock()
    timeline = recorded(clock, *steps)
    for name in MEASURES:
        assert sum(timeline.of(name)) == sum(amount for _, measure, amount in steps if measure == name)
        assert len(timeline.of(name)) == len(timeline.calls) <= MOST
    elapsed = clock.now - Clock.now
    assert elapsed < len(timeline.calls) * timeline.slot_s <= elapsed + timeline.slot_s


@given(st.lists(STEPS, max_size=60))
def test_each_amount_stands_in_the_slot_of_its_time(steps: list[tuple[float, Measure, int]]):
    timeline = recorded(Clock(), *steps)
    wanted = {name: [0] * len(timeline.calls) for name in MEASURES}
    now = Clock.now
    for waited_s, measure, amount in steps:
        now += waited_s
        wanted[measure][int((now - Clock.now) / timeline.slot_s)] += amount
    assert {name: list(timeline.of(name)) for name in MEASURES} == wanted


def test_slots_double_as_the_run_grows():
    assert recorded(Clock(), (119.9, "calls", 1)).slot_s == 1
    assert recorded(Clock(), (120, "calls", 1)).slot_s == 2
    assert recorded(Clock(), (3600, "calls", 1)).slot_s == 32


def test_a_time_without_calls_at_the_end_is_seen():
    clock = Clock()
    recorder = Recorder(clock)
    recorder.add("calls", 1)
    clock.now += 3
    assert Timeline.model_validate(recorder.series()).calls == (1, 0, 0, 0)
