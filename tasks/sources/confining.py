"""A source that may read files below some folders alone."""

from dataclasses import replace
from pathlib import Path

from docmill.tasks.sources.bundles import Bundles
from docmill.tasks.sources.documents import Documents
from docmill.tasks.sources.files import Files
from docmill.tasks.sources.rows import Rows
from docmill.tasks.sources.selected import Selected
from docmill.tasks.sources.source import Source


def confined(source: Source, below: tuple[Path, ...]) -> Source:
    """Let a source read files alone that lie below these folders once links are followed."""
    if isinstance(source, Selected):
        return replace(source, source=confined(source.source, below))
    if isinstance(source, Bundles):
        within = confined(source.source, below)
        assert isinstance(within, Files | Documents)
        return replace(source, source=within)
    if isinstance(source, Rows):
        return source.confined(below)
    if isinstance(source, Documents):
        return Documents(replace(source.files, below=below), source.objects)
    return replace(source, below=below) if isinstance(source, Files) else source
