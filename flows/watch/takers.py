"""Whether somebody takes up what is announced: a deployment whose trigger is on, and its worker."""

import time
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from http import HTTPStatus
from typing import Any

from httpx import HTTPStatusError

from docmill.flows.watch.client import Ask
from docmill.flows.watch.event import EVENT, resource

LOOK_EVERY_S = 30.0
PAGE = 200
RESOURCE = "prefect.resource.id"


class Takers:
    """Says once why nobody takes up the events of a pipeline, and again when that changes."""

    def __init__(self, pipeline: str, say: Callable[[str], None]) -> None:
        self._pipeline = pipeline
        self._say = say
        self._told = ""
        self._look_at = 0.0

    def may_be_asked(self) -> bool:
        """Say whether it is time to ask."""
        return time.monotonic() >= self._look_at

    def look(self, ask: Ask) -> bool:
        """Ask the server's API, and say whether somebody does again; raises HTTPError."""
        self._look_at = time.monotonic() + LOOK_EVERY_S
        found = why_nobody(self._pipeline, ask)
        if found and found != self._told:
            self._say(f"nobody takes up what is announced: {found}")
        is_again = bool(self._told) and not found
        if is_again:
            self._say("what is announced is taken up again")
        self._told = found
        return is_again


def why_nobody(pipeline: str, ask: Ask) -> str:
    """Say why nobody takes up a pipeline's events; nothing where somebody does, or it cannot be known."""
    matching = [each for each in _automations(ask) if _fires(each["trigger"], resource(pipeline))]
    if not matching:
        return (
            f"no deployment on the server is started by {EVENT} of {resource(pipeline)}: "
            f"`docmill deploy {pipeline} --on-arrival` writes one, `docmill up` registers it"
        )
    on = [each for each in matching if each["enabled"]]
    if not on:
        return f"the trigger {matching[0]['name']} is switched off"
    actions = [action for each in on for action in each["actions"] if action["type"] == "run-deployment"]
    reasons = [_why_not(action.get("deployment_id"), ask) for action in actions]
    if not reasons:
        return f"the trigger {on[0]['name']} runs no deployment"
    return "" if "" in reasons else reasons[0]


def _automations(ask: Ask) -> Iterator[dict[str, Any]]:
    offset = 0
    while True:
        page = ask("POST", "/automations/filter", {"limit": PAGE, "offset": offset}).json()
        yield from page
        offset += PAGE
        if len(page) < PAGE:
            return


def _fires(trigger: dict[str, Any], wanted: str) -> bool:
    """Say whether a trigger, or one within it, waits for a pipeline's event."""
    if any(_fires(each, wanted) for each in trigger.get("triggers", ())):
        return True
    expected = trigger.get("expect", ())
    patterns = (trigger.get("match") or {}).get(RESOURCE, [])
    listed = [patterns] if isinstance(patterns, str) else patterns
    return any(fnmatchcase(EVENT, each) for each in expected) and (
        not listed or any(fnmatchcase(wanted, each) for each in listed)
    )


def _why_not(deployment_id: str | None, ask: Ask) -> str:
    """Say why a deployment would not run; nothing where it would, or where an event names it."""
    if deployment_id is None:
        return ""
    deployment = _found(f"/deployments/{deployment_id}", ask)
    if deployment is None:
        return "the trigger's deployment is no longer on the server: deploy it anew"
    pool = deployment.get("work_pool_name")
    served = _found(f"/work_pools/{pool}", ask) if pool else deployment
    if served is None:
        return f"the work pool {pool} of the deployment {deployment['name']} is no longer on the server"
    if pool and served.get("is_paused"):
        return f"the work pool {pool} is paused"
    if served.get("status") == "NOT_READY":
        start = f"`docmill up`, or `prefect worker start --pool {pool}`" if pool else "start what serves it"
        where = f"in the work pool {pool}" if pool else f"for the deployment {deployment['name']}"
        return f"no worker is online {where}: {start}"
    return ""


def _found(path: str, ask: Ask) -> dict[str, Any] | None:
    try:
        return dict(ask("GET", path, None).json())
    except HTTPStatusError as error:
        if error.response.status_code == HTTPStatus.NOT_FOUND:
            return None
        raise
