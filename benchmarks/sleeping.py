"""`python -m benchmarks.sleeping RUNS`: a flow of task runs that only sleep; prints its CPU a task run.

Seconds of CPU, from the flow's first line to its last, so without imports.
"""

import asyncio
import sys
import time

from prefect import flow, task

IN_FLIGHT = 64
DELAY_S = 0.5


@task
async def sleep() -> None:
    """Wait as a call would."""
    await asyncio.sleep(DELAY_S)


@flow
async def sleeping(runs: int) -> float:
    """Run the task so many times, 64 at a time; gives the seconds of CPU of all."""
    free = asyncio.Semaphore(IN_FLIGHT)

    async def one() -> None:
        async with free:
            await sleep()

    began = time.process_time()
    await asyncio.gather(*(one() for _ in range(runs)))
    return time.process_time() - began


if __name__ == "__main__":
    print(asyncio.run(sleeping(int(sys.argv[1]))) / int(sys.argv[1]))  # noqa: T201
