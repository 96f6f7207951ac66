"""`docmill probe`: what a server can, and the endpoint's mapping that follows; no Prefect, no cache."""

import asyncio
import json as jsontext
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

from cyclopts import Parameter
from rich.table import Table

from docmill.flows.cli.options import Json
from docmill.flows.cli.output import console, fail, plain, print_json
from docmill.flows.server.home import home
from docmill.schemas.endpoint import BUILT_IN, Endpoint
from docmill.schemas.errors import ChatError
from docmill.tasks.chat.environment import endpoint_at
from docmill.tasks.chat.probe import Finding, Probe
from docmill.tasks.chat.transport import Transport
from docmill.tasks.local_model.serving import serving

Probed = Annotated[str, Parameter(help="The endpoint: local, 302ai or a URL", show_default=False)]
AskedModel = Annotated[str, Parameter(help="The model to ask", show_default=False)]
WORKS = {True: "yes", False: "no", None: "open"}


def probe(endpoint: Probed, /, *, model: AskedModel, json: Json = False) -> int:
    """Ask a server a dozen small requests, and say what it can.

    A table of what was found goes to stderr; the endpoint's mapping goes to stdout, to be pasted into a
    pipeline. The model is paid for about a thousand tokens. Exit code 1 where the server answers no plain
    request.
    """
    name, served = _endpoint(endpoint)
    try:
        findings, mapping = asyncio.run(_probed(name, served, model))
    except ChatError as error:
        fail(error)
        if error.body:
            console(stderr=True).print(plain(error.body), style="dim", soft_wrap=True)
        return 1
    except KeyboardInterrupt:
        console(stderr=True).print("interrupted: what was sent may have been billed")
        return 3
    if json:
        found = [{"name": each.name, "works": each.works, "means": each.means} for each in findings]
        print_json({"endpoint": name, "model": model, "findings": found, "mapping": mapping})
        return 0
    console(stderr=True).print(_table(findings))
    sys.stdout.write(_yaml(mapping, model))
    return 0


def _endpoint(said: str) -> tuple[str, Endpoint]:
    return (said, BUILT_IN[said]) if said in BUILT_IN else endpoint_at(said, "ENDPOINT")


async def _probed(name: str, endpoint: Endpoint, model: str) -> tuple[list[Finding], dict[str, Any]]:
    async with _reached(name, endpoint) as served, Transport(served, 1) as transport:
        probing = Probe(transport, served, model)
        findings = [finding async for finding in probing.findings()]
        return findings, probing.mapping(findings)


@asynccontextmanager
async def _reached(name: str, endpoint: Endpoint) -> AsyncIterator[Endpoint]:
    if name != "local":
        yield endpoint
        return
    async with serving(home(), console(stderr=True).print, lambda _: None) as served:
        os.environ[endpoint.api_key_env or ""] = served.token
        yield endpoint.model_copy(update={"base_url": served.base_url})


def _table(findings: list[Finding]) -> Table:
    table = Table("asked for", "works", "which means", box=None, pad_edge=False)
    for finding in findings:
        table.add_row(finding.name, WORKS[finding.works], plain(finding.means))
    return table


def _yaml(mapping: dict[str, Any], model: str) -> str:
    # JSON's way to write a text, a number and a truth is YAML's too.
    lines = [f"  {name}: {jsontext.dumps(value)}" for name, value in mapping.items()]
    return "\n".join(["endpoint:", *lines, f"model: {jsontext.dumps(model)}", ""])
