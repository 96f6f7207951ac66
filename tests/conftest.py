"""The fixtures that every test may use."""

from tests.provider import provider

__all__ = ["provider"]
