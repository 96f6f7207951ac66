"""How often stored results are right."""
