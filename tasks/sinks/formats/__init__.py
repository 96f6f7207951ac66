"""What is stored, written for other tools: CSV, JSON lines, Parquet and Excel."""
