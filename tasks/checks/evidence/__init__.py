"""Whether the values of a record occur in the document they are said to come from."""
