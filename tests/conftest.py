"""Fixtures of all tests; the Prefect server's comes first, as it sets what Prefect reads at import."""

from tests.support.prefect_server import prefect_api  # isort: skip

from hypothesis import settings

from tests.support.databases import database, postgres
from tests.support.deploying import site
from tests.support.project import cache, project
from tests.support.provider import provider

__all__ = ["cache", "database", "postgres", "prefect_api", "project", "provider", "site"]

# A busy machine is no failure; the suite's own timeout ends what hangs.
settings.register_profile("docmill", deadline=None)
settings.load_profile("docmill")
