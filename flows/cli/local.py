"""`docmill local`: keep the embedded model for all runs, until it is interrupted."""

import asyncio
import signal

from docmill.flows.cli.output import console
from docmill.flows.server.home import home
from docmill.schemas.errors import DocmillError
from docmill.tasks.local_model.serving import keep


def local() -> int:
    """Keep the embedded model ready: runs with `endpoint: local` use it instead of starting their own."""
    asyncio.run(_keep())
    return 0


async def _keep() -> None:
    out = console()
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    ended: list[str] = []

    def died(reason: str) -> None:
        ended.append(reason)
        stop.set()

    async with keep(home(), lambda message: out.print(message, markup=False), died) as served:
        out.print(f"the local model listens at {served.base_url}; press Ctrl-C to end it", markup=False)
        await stop.wait()
    if ended:
        raise DocmillError(ended[0])
