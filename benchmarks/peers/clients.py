"""Bare clients under a semaphore and a gather: no retry, no cache, no record."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import httpx
import httpx2
import openai

from benchmarks.peers.common import Work, main


async def gathered(work: Work, send: Callable[[str], Awaitable[Any]]) -> int:
    """Send all texts, so many at a time."""
    room = asyncio.Semaphore(work.in_flight)

    async def one(text: str) -> bool:
        async with room:
            return bool(await send(text))

    return sum(await asyncio.gather(*map(one, work.texts)))


async def with_httpx(work: Work) -> int:
    """Use one httpx.AsyncClient."""
    limits = httpx.Limits(max_connections=work.in_flight, max_keepalive_connections=work.in_flight)
    async with httpx.AsyncClient(limits=limits, timeout=60, trust_env=False) as client:

        async def send(text: str) -> Any:
            reply = await client.post(f"{work.url}/chat/completions", json=work.body(text))
            return reply.raise_for_status().json()["choices"]

        return await gathered(work, send)


async def with_httpx2(work: Work) -> int:
    """Use one httpx2.AsyncClient."""
    limits = httpx2.Limits(max_connections=work.in_flight, max_keepalive_connections=work.in_flight)
    async with httpx2.AsyncClient(limits=limits, timeout=60, trust_env=False) as client:

        async def send(text: str) -> Any:
            reply = await client.post(f"{work.url}/chat/completions", json=work.body(text))
            return reply.raise_for_status().json()["choices"]

        return await gathered(work, send)


async def with_aiohttp(work: Work) -> int:
    """Use one aiohttp session."""
    connector = aiohttp.TCPConnector(limit=work.in_flight)
    async with aiohttp.ClientSession(connector=connector) as client:

        async def send(text: str) -> Any:
            async with client.post(f"{work.url}/chat/completions", json=work.body(text)) as reply:
                reply.raise_for_status()
                return (await reply.json())["choices"]

        return await gathered(work, send)


async def with_openai(work: Work) -> int:
    """Use the openai SDK's client."""
    async with openai.AsyncOpenAI(base_url=work.url, api_key="none", max_retries=0) as client:

        async def send(text: str) -> Any:
            return (await client.chat.completions.create(**work.body(text))).choices

        return await gathered(work, send)


if __name__ == "__main__":
    main({"httpx": with_httpx, "httpx2": with_httpx2, "aiohttp": with_aiohttp, "openai": with_openai})
