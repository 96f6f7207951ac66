"""The wire: everything between a request's bytes and its completion."""
