"""Which of two rows of things belong together: the pairs whose worth is highest in all."""

from collections.abc import Iterator, Sequence

MOST_EXACT = 40_000  # pairs to choose from: 200 by 200; beyond that the best pair is taken first
INFINITE = float("inf")


def assigned(worth: Sequence[Sequence[float]]) -> list[tuple[int, int]]:
    """Pair rows with columns, each at most once; pairs that are worth nothing are left out."""
    if not worth or not worth[0]:
        return []
    many = len(worth) * len(worth[0])
    pairs = _exact(worth) if many <= MOST_EXACT else _greedy(worth)
    return sorted((row, column) for row, column in pairs if worth[row][column] > 0)


def _exact(worth: Sequence[Sequence[float]]) -> Iterator[tuple[int, int]]:
    if len(worth) <= len(worth[0]):
        yield from _shortest(worth)
    else:
        turned = [list(column) for column in zip(*worth, strict=True)]
        yield from ((row, column) for column, row in _shortest(turned))


def _shortest(worth: Sequence[Sequence[float]]) -> Iterator[tuple[int, int]]:
    """Pair by shortest augmenting paths with potentials (Kuhn and Munkres), of no more rows than columns."""
    rows, columns = len(worth), len(worth[0])
    of_row, of_column = [0.0] * (rows + 1), [0.0] * (columns + 1)
    taken = [0] * (columns + 1)  # the row of each column, from 1; 0 is none
    for row in range(1, rows + 1):
        taken[0], at = row, 0
        least, way, seen = [INFINITE] * (columns + 1), [0] * (columns + 1), [False] * (columns + 1)
        while taken[at]:
            seen[at] = True
            current, step, next_at = taken[at], INFINITE, 0
            values, base = worth[current - 1], of_row[current]
            for column in range(1, columns + 1):
                if seen[column]:
                    continue
                cost = -values[column - 1] - base - of_column[column]
                if cost < least[column]:
                    least[column], way[column] = cost, at
                if least[column] < step:
                    step, next_at = least[column], column
            for column in range(columns + 1):
                if seen[column]:
                    of_row[taken[column]] += step
                    of_column[column] -= step
                else:
                    least[column] -= step
            at = next_at
        while at:
            taken[at] = taken[way[at]]
            at = way[at]
    yield from ((taken[column] - 1, column - 1) for column in range(1, columns + 1) if taken[column])


def _greedy(worth: Sequence[Sequence[float]]) -> Iterator[tuple[int, int]]:
    best = sorted(
        (-value, abs(row - column), row, column)
        for row, values in enumerate(worth)
        for column, value in enumerate(values)
        if value > 0
    )
    rows: set[int] = set()
    columns: set[int] = set()
    for _, _, row, column in best:
        if row not in rows and column not in columns:
            rows.add(row)
            columns.add(column)
            yield row, column
