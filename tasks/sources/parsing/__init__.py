"""Documents of binary formats, parsed in child processes: what is hostile in them stays outside."""
