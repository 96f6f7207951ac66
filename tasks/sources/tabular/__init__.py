"""Files of rows, read by DuckDB: CSV, JSON lines, Parquet, and sheets of Excel."""
