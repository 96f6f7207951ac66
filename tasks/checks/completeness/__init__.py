"""Completeness: which rows of a document stand for no item of a record's arrays."""
