"""Pictures as files: the frames of one of these FORMATS, no larger than they have to be."""

import warnings
from base64 import b64encode
from io import BytesIO
from typing import Any

from docmill.schemas.errors import Unreadable
from docmill.tasks.sources.parsing.ocr.engine import Picture
from docmill.tasks.sources.parsing.reasons import MAX_PAGES, Reason

FORMATS = ("PNG", "JPEG", "TIFF", "WEBP", "GIF", "BMP", "AVIF", "HEIF")
MAX_PIXELS = 80_000_000  # A3 at 600 dpi has 70 million; a bomb has more
SHOWN_SIDE, SHOWN_QUALITY = 1568, 75  # pixels, and of the JPEG: what is larger, models make smaller
LONGEST_SIDE = 2400  # pixels: the models see no more than 2000


def count(content: bytes) -> int:
    """Count the pages, which a TIFF alone has; raises Unreadable where it is no picture."""
    with _opened(content) as image:
        return min(int(image.n_frames), MAX_PAGES + 1) if image.format == "TIFF" else 1


def frame(content: bytes, number: int = 0) -> Picture:
    """Decode one frame as its camera was held, on white; raises Unreadable."""
    import numpy
    from PIL import ImageOps

    with _opened(content) as image:
        image.seek(number)
        if image.width * image.height > MAX_PIXELS:
            raise Unreadable(Reason.PACKED)
        image.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))  # of a JPEG no more is unpacked than that
        shown = ImageOps.exif_transpose(_plain(image))
        shown.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
        return numpy.ascontiguousarray(numpy.asarray(shown)[:, :, ::-1])  # blue first, as the models have it


def data_url(picture: Picture) -> str:
    """Write a picture as a JPEG in a data URL."""
    return f"data:image/jpeg;base64,{b64encode(jpeg(picture)).decode('ascii')}"


def jpeg(picture: Picture) -> bytes:
    """Write a picture as a JPEG, as large as models look at it."""
    from PIL import Image

    image = Image.fromarray(picture[:, :, ::-1])
    image.thumbnail((SHOWN_SIDE, SHOWN_SIDE))
    buffer = BytesIO()
    image.save(buffer, "JPEG", quality=SHOWN_QUALITY)
    return buffer.getvalue()


def _plain(image: Any) -> Any:
    """Give it in colours, without what shines through."""
    from PIL import Image

    if image.mode.startswith(("I", "F")):  # 16 bits a pixel: PIL would cut them off
        image = image.point(lambda value: value / 256).convert("L")
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image.convert("RGBA"))
    return image.convert("RGB")


def _opened(content: bytes) -> Any:
    import pi_heif
    from PIL import Image

    warnings.simplefilter("ignore")
    pi_heif.register_heif_opener()  # photographs as HEIC
    Image.MAX_IMAGE_PIXELS = None  # it is MAX_PIXELS that counts
    try:
        return Image.open(BytesIO(content), formats=FORMATS)
    except (OSError, SyntaxError, ValueError):
        raise Unreadable(Reason.DAMAGED) from None
