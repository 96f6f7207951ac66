"""The models, loaded once a child: where words stand on a picture, and which they are."""

import functools
import os
from pathlib import Path
from statistics import median
from typing import Any

from docmill.tasks.sources.parsing.limits import SILENT
from docmill.tasks.sources.parsing.ocr.lines import FAINT, Box

MODELS = {
    "Det": "PP-OCRv6_det_small.onnx",
    "Rec": "PP-OCRv6_rec_small.onnx",
    "Cls": "ch_ppocr_mobile_v2.0_cls_mobile.onnx",
}
UPSIDE_DOWN = "180"
TALL = 1.5  # heights to widths: lines that run from top to bottom
MOST_STACKED = 5  # lines that were taken for one
LEAST_TALL = 3  # so many letters or more: a single one may be taller than wide
Picture = Any  # numpy's array of a picture's rows, columns and colours: it is imported in the child alone


def recognized(picture: Picture) -> list[Box]:
    """Give the words on a picture, whichever way it is turned."""
    return upright(picture)[1]


def upright(picture: Picture) -> tuple[Picture, list[Box]]:
    """Turn a picture that lies on its side or head; gives the words on it, too."""
    import numpy

    boxes, turned = _words(picture)
    tall = [box for box in boxes if len(box.text) >= LEAST_TALL]
    if len(tall) > 1 and sum(_height(box) > TALL * _width(box) for box in tall) > len(tall) / 2:
        picture = numpy.ascontiguousarray(numpy.rot90(picture))
        boxes, turned = _words(picture)
    if len(boxes) > 1 and turned > len(boxes) / 2:
        picture = numpy.ascontiguousarray(numpy.rot90(picture, 2))
        boxes, _ = _words(picture)
    return picture, boxes


def _words(picture: Picture) -> tuple[list[Box], int]:
    """Give the words of a picture, and how many of them stand on their heads."""
    engine = _engine()
    prepared, record = engine.preprocess_img(picture)
    found, turned, read, shown = engine.run_ocr_steps(prepared, record)
    if found.boxes is None or read.txts is None:
        return [], 0
    boxes = [
        Box(_corners(corners), text, float(score))
        for corners, text, score in zip(found.boxes, read.txts, read.scores, strict=True)
    ]
    usual = median(box.height() for box in boxes)
    apart = [
        each
        for box, strip in zip(boxes, shown, strict=True)
        for each in (_apart(box, strip, usual) if box.score < FAINT else [box])
    ]
    upside_down = sum(label == UPSIDE_DOWN for label, _ in turned.cls_res or ())
    return [box for box in apart if box.text.strip()], upside_down


def _apart(box: Box, picture: Picture, usual: float) -> list[Box]:
    """Read lines that were taken for one, such as figures below each other, apart; else give the box."""
    import numpy

    most = min(round(box.height() / usual), MOST_STACKED)
    upright = numpy.rot90(picture, -1) if box.height() > TALL * box.width() else picture  # as it was turned
    ways = [_strips(box, upright, count) for count in range(2, most + 1)]
    best = max(ways, key=lambda way: min(each.score for each in way), default=[box])
    return best if min(each.score for each in best) >= FAINT else [box]


def _strips(box: Box, picture: Picture, count: int) -> list[Box]:
    step = len(picture) // count
    read = _engine().recognize_txt([picture[at * step : (at + 1) * step] for at in range(count)])
    said = zip(read.txts, read.scores, strict=True)
    return [Box(box.strip(at, count), text, float(score)) for at, (text, score) in enumerate(said)]


def _corners(given: Any) -> Any:
    return tuple((float(x), float(y)) for x, y in given)


def _width(box: Box) -> float:
    across = [x for x, _ in box.corners]
    return max(across) - min(across)


def _height(box: Box) -> float:
    down = [y for _, y in box.corners]
    return max(down) - min(down)


@functools.cache
def _engine() -> Any:
    os.environ.update(SILENT)
    import cv2
    import onnxruntime
    import rapidocr

    onnxruntime.disable_telemetry_events()
    cv2.setNumThreads(1)
    folder = Path(rapidocr.__file__).parent / "models"
    # By their paths: a model that is not there is downloaded otherwise. Pages are read side by side, so a
    # child takes one thread, and gives the same text on every machine.
    paths = {f"{part}.model_path": str(folder / name) for part, name in MODELS.items()}
    threads = {f"EngineConfig.onnxruntime.{kind}_op_num_threads": 1 for kind in ("intra", "inter")}
    # Single digits of a table are no surer places of text than that.
    others = {"Global.log_level": "critical", "Det.box_thresh": 0.3}
    return rapidocr.RapidOCR(params={**paths, **threads, **others})
