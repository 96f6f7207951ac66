"""The Prefect server that flow runs are recorded by: joined or started, watched, and its settings."""
