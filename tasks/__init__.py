"""The pure steps, the checks, the wire, the sources and the sinks."""
