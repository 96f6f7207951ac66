"""Where the windows of a lane are shared: in the cache's database, else by this machine's processes."""

from pathlib import Path

from docmill.tasks.chat.places import default_database
from docmill.tasks.chat.window_file import SharedWindows, window_file
from docmill.tasks.chat.windows import Windows


def windows_of(directory: Path, identity: str, model: str, window_s: float) -> Windows:
    """Open the windows of an endpoint's model; raises StorageError where they cannot be."""
    if url := default_database():
        from docmill.tasks.chat.database_windows import database_windows  # its driver is not always needed

        return database_windows(url, f"{identity} {model}", window_s)
    return SharedWindows(window_file(directory, identity, model), window_s)
