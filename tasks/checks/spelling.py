"""What somebody meant who wrote an unknown name."""

from collections.abc import Iterable
from difflib import get_close_matches

MAX_LISTED = 12


def meant(name: object, known: Iterable[str]) -> str:
    """End a sentence about an unknown name: the nearest known one, else all; empty if none is known."""
    names = list(dict.fromkeys(known))
    near = get_close_matches(str(name), names, n=1)
    if near:
        return f"; did you mean {near[0]}?"
    listed = ", ".join(names[:MAX_LISTED]) + (", …" if len(names) > MAX_LISTED else "")
    return f"; known: {listed}" if names else ""
