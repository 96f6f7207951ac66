"""Where docmill keeps what runs share: its Prefect server's files and the kept local model's."""

import os
from pathlib import Path

from platformdirs import user_data_path


def home() -> Path:
    """Give PREFECT_HOME where it is set, else docmill's directory under the user's data; it is made."""
    named = os.environ.get("PREFECT_HOME")
    directory = Path(named).expanduser() if named else user_data_path("docmill")
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    return directory
