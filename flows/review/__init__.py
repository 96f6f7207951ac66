"""Review: what waits for a person, what people decide, and what their decisions mean for later runs."""
