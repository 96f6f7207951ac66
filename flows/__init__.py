"""The flows: pipelines, their engine, and the command line in `cli`."""
