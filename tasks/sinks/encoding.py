"""How JSON columns are written: as people read them, not escaped."""

import json
from typing import Any


def dumps(value: Any) -> str:
    """Write a value as JSON; numbers are as the model gave them."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False)
