"""What data is: pydantic models, without Prefect and without HTTP."""
