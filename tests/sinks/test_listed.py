"""How many documents a shard takes at a time."""

from docmill.tasks.sinks.listed import FIRST_PAGE, MOST_PAGE_BYTES, Listed, Paging


def page(size: int, text: str | None) -> list[Listed]:
    return [Listed(0, str(number), "u", text) for number in range(size)]


def test_of_files_and_small_rows_all_that_may_be_are_taken():
    for text in (None, "x" * 1000):
        paging = Paging(100)
        assert paging.size == FIRST_PAGE
        paging.saw(page(paging.size, text))
        assert paging.size == 100


def test_of_large_rows_few_are_taken_until_small_ones_come():
    paging = Paging(100)
    paging.saw(page(paging.size, "x" * 4_000_000))
    assert paging.size == MOST_PAGE_BYTES // 4_000_000 - 1  # a text takes a little more than its letters
    paging.saw(page(996, "x"))
    assert paging.size == 100


def test_of_the_largest_rows_one_is_taken():
    paging = Paging(100)
    paging.saw(page(paging.size, "x" * 20_000_000))
    assert paging.size == 1
