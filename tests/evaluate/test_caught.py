"""What each gate catches of known mistakes: the table of docs/evaluation.md."""

import json
from collections import Counter

import pytest

from tests.support.mistakes import GATES, ROOT, make, measured, mistaken, samples, table

pytestmark = pytest.mark.slow
Measured = list[tuple[str, int, Counter[str]]]


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Measured:
    """Measure once."""
    folder = tmp_path_factory.mktemp("labelled")
    make(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        return list(measured(samples(folder)))


def test_every_row_that_is_left_out_is_noticed(rows: Measured):
    dropped = [(name, many, counts) for name, many, counts in rows if name.startswith("leaves out")][:4]
    assert len(dropped) == 4
    for name, many, counts in dropped:
        assert many > 200, name
        caught = "schema" if name == "leaves out all rows" else "completeness"
        assert counts[caught] == many, name


def test_at_most_2_of_100_right_documents_are_held_back(rows: Measured):
    [(many, counts)] = [(many, counts) for name, many, counts in rows if name.startswith("none")]
    assert counts["any"] <= 0.02 * many


def test_every_invented_value_is_noticed(rows: Measured):
    for name, many, counts in rows:
        if name.startswith("invents"):
            assert counts["evidence"] == many, name


def test_sums_that_do_not_add_up_are_noticed_by_rules_alone(rows: Measured):
    [(many, counts)] = [(many, counts) for name, many, counts in rows if name.startswith("takes another")]
    assert counts["rules"] == many
    assert counts["evidence"] == counts["completeness"] == 0


def test_the_documentation_has_what_is_measured(rows: Measured):
    """Where this fails: python -m tests.support.mistakes."""
    assert table(iter(rows)) in (ROOT / "docs" / "evaluation.md").read_text()
    assert all(gate in GATES for _, _, counts in rows for gate in counts if gate != "any")


def test_a_mistake_is_the_same_for_a_seed_and_leaves_the_record_as_it_is():
    record = {"lines": [{"amount": 1.0}, {"amount": 2.0}, {"amount": 3.0}], "total": 6.0}
    before = json.dumps(record)
    first = [mistaken(record, "leaves out one row", seed) for seed in "abcdef"]
    assert first == [mistaken(record, "leaves out one row", seed) for seed in "abcdef"]
    assert len({json.dumps(each) for each in first}) > 1
    assert json.dumps(record) == before
