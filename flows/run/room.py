"""The room for documents under way: so many, and of texts so much that memory holds them."""

import asyncio

MOST_BYTES = 256_000_000  # as much as 12 of the largest files


class Room:
    """Lets in so many documents, and no more bytes than MOST_BYTES together."""

    def __init__(self, documents: int) -> None:
        self._most = documents
        self._documents = 0
        self._bytes = 0
        self._left = asyncio.Event()

    async def enter(self, size: int) -> None:
        """Wait until there is room for a document of so many bytes; one alone is always let in."""
        while self._documents and not self._has_room(size):
            self._left.clear()
            await self._left.wait()
        self._documents += 1
        self._bytes += size

    def leave(self, size: int) -> None:
        """Make the room free that a document of so many bytes had."""
        self._documents -= 1
        self._bytes -= size
        self._left.set()

    def _has_room(self, size: int) -> bool:
        return self._documents < self._most and self._bytes + size <= MOST_BYTES
