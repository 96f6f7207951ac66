"""A run's report as one HTML file: its outcomes, and each document's text beside its record."""
