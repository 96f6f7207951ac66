"""A set of 64-bit digests in 12 to 24 bytes each, where Python's own takes a hundred: one for each row."""

from array import array

FIRST_SLOTS = 1024  # a power of two, as are all sizes
EMPTY = 0
INSTEAD = 1  # of the digest that stands for an empty slot


class Digests:
    """Digests that were seen; none is forgotten."""

    def __init__(self) -> None:
        self._slots = _empty(FIRST_SLOTS)
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, digest: int) -> bool:
        """Take a digest in; False where it was there."""
        digest = digest or INSTEAD
        at = _place(self._slots, digest)
        if self._slots[at] == digest:
            return False
        self._slots[at] = digest
        self._count += 1
        if 3 * self._count > 2 * len(self._slots):
            self._grow()
        return True

    def _grow(self) -> None:
        larger = _empty(2 * len(self._slots))
        for digest in self._slots:
            if digest != EMPTY:
                larger[_place(larger, digest)] = digest
        self._slots = larger


def _empty(slots: int) -> "array[int]":
    return array("Q", bytes(8 * slots))


def _place(slots: "array[int]", digest: int) -> int:
    """Find the slot that a digest is in, or the empty one that it belongs into."""
    last = len(slots) - 1
    at = digest & last
    while slots[at] not in (EMPTY, digest):
        at = (at + 1) & last
    return at
