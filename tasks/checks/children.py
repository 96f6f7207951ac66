"""What a child process is given of the environment: what it needs, and nothing else."""

import os
from collections.abc import Iterable

# Where programs, libraries, certificates and temporary files are, and how people write.
ANY_CHILD = (
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "LANG",
    "LANGUAGE",
    "LC_*",
    "TZ",
    "TMPDIR",
    "TEMP",
    "TMP",
    "XDG_*",
    "LD_LIBRARY_PATH",
    "DYLD_*",
    "PYTHON*",
    "VIRTUAL_ENV",
    "SSL_CERT_*",
)
# Its settings; the key of Prefect Cloud is none of a server's.
PREFECT_SERVER = (*ANY_CHILD, "PREFECT_*", "DO_NOT_TRACK")
NEVER = frozenset({"PREFECT_API_KEY"})
MODEL = (*ANY_CHILD, "OMP_*", "GGML_*")
PARSER = ("LD_LIBRARY_PATH", "DYLD_*")


def environment(allowed: Iterable[str], **more: str) -> dict[str, str]:
    """Give what is set of the allowed variables, with more; a name that ends in * is a beginning.

    So no key, no password of a database, and nothing that is not known here reaches a child.
    """
    names = tuple(allowed)
    exact = {name for name in names if not name.endswith("*")}
    beginnings = tuple(name[:-1] for name in names if name.endswith("*"))
    kept = {
        name: value
        for name, value in os.environ.items()
        if (name in exact or name.startswith(beginnings)) and name not in NEVER
    }
    return kept | more
