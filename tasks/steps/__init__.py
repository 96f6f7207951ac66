"""The steps: pure functions from a text to a request, and from a completion to a value."""
