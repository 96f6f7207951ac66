"""`docmill watch`: files that arrive in a directory, announced as events."""
