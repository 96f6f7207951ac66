"""What Prefect's UI shows of a run: log lines, artifacts and events."""
