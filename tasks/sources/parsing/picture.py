"""How large a picture is: a page that was scanned or photographed is large, a logo is not."""

import re

PAGE_PIXELS = 500  # a side of a page is at least so long, a logo's short side is not
JPEG_HEADER = re.compile(rb"\xff([\xc0-\xc3\xc5-\xc7\xc9-\xcb\xcd-\xcf])..[\x08\x0c](..)(..)", re.DOTALL)
HEAD_BYTES = 200_000


def is_page(content: bytes, *, otherwise: bool = False) -> bool:
    """Say whether a picture is so large that it may be what somebody wanted to say.

    `otherwise` is the answer for one whose size is not read here: a fax is a TIFF, a photograph a HEIC.
    """
    size = pixels(content)
    return otherwise if size is None else min(size) >= PAGE_PIXELS


def pixels(content: bytes) -> tuple[int, int] | None:
    """Read the sides of a PNG, GIF, JPEG or BMP; None of anything else."""
    if content.startswith(b"\x89PNG"):
        return int.from_bytes(content[16:20]), int.from_bytes(content[20:24])
    if content.startswith(b"GIF8"):
        return int.from_bytes(content[6:8], "little"), int.from_bytes(content[8:10], "little")
    if content.startswith(b"BM"):
        return int.from_bytes(content[18:22], "little"), abs(
            int.from_bytes(content[22:26], "little", signed=True)
        )
    if content.startswith(b"\xff\xd8") and (header := JPEG_HEADER.search(content, 2, HEAD_BYTES)):
        return int.from_bytes(header[3]), int.from_bytes(header[2])
    return None
