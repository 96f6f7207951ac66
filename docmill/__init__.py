"""docmill: documents and table rows through LLM chat completions, as Prefect flows."""
