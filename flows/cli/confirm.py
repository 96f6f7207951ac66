"""Asks whether a run may cost what it may cost, where its pipeline says so."""

import asyncio
import sys

from rich.console import Console

from docmill.flows.cli.output import plain
from docmill.flows.pipeline.plan import Plan
from docmill.schemas.errors import ConfigError
from docmill.schemas.money import dollars


def confirm(out: Console, plan: Plan) -> None:
    """Ask where the run may cost more than may pass unasked; raises ConfigError where the answer is no."""
    from docmill.flows.plan.confirming import (
        needs_yes,
    )  # it asks Prefect's cache, which takes seconds to load
    from docmill.flows.plan.words import whole

    with out.status("planning what the run may cost"):
        planned = asyncio.run(needs_yes(plan))
    if planned is None:
        return
    out.print(plain(whole(plan, planned), "bold"), soft_wrap=True)
    above = f"it may cost more than {dollars(plan.confirm_above_usd or 0)}"
    if not sys.stdin.isatty():
        raise ConfigError(f"confirm_above_usd: {above}: say --yes to go on, or see docmill plan")
    try:
        answer = out.input(f"{above}. Go on? [y/N] ", markup=False)
    except EOFError:
        answer = ""
    if answer.strip().lower() not in ("y", "yes"):
        raise ConfigError("confirm_above_usd: not confirmed, nothing was sent")
