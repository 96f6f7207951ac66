"""Parts of `docmill watch`."""
