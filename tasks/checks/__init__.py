"""Pure checks of what models and users write."""
