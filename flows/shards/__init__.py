"""A run whose documents are brought to their outcomes by several flow runs, on any number of workers."""
