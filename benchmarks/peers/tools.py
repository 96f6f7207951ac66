"""Libraries and Prefect as their own pages show them, with what they do by default."""

import asyncio
import tempfile
from typing import Any

import async_batch_llm
import openai
from accrue import EnrichmentConfig, LLMStep, Pipeline
from prefect import flow, task
from prefect.task_runners import ThreadPoolTaskRunner
from pydantic_ai import Agent
from pydantic_ai.durable_exec.prefect import PrefectDurability
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider

from benchmarks.peers.clients import gathered
from benchmarks.peers.common import MODEL, SYSTEM, Work, main


async def with_awaited_tasks(work: Work) -> int:
    """Call the openai SDK in a plain Prefect task that is awaited."""
    client = openai.AsyncOpenAI(base_url=work.url, api_key="none", max_retries=0)

    @task(retries=2)
    async def ask(text: str) -> str | None:
        return (await client.chat.completions.create(**work.body(text))).choices[0].message.content

    @flow(log_prints=False)
    async def ask_all() -> int:
        return await gathered(work, ask)

    return await ask_all()


async def with_mapped_tasks(work: Work) -> int:
    """Call the openai SDK in a plain Prefect task by `.map`, in as many threads as calls in flight."""
    client = openai.OpenAI(base_url=work.url, api_key="none", max_retries=0)

    @task(retries=2)
    def ask(text: str) -> str | None:
        return client.chat.completions.create(**work.body(text)).choices[0].message.content

    @flow(task_runner=ThreadPoolTaskRunner(max_workers=work.in_flight))
    def ask_all() -> int:  # Prefect's server refuses that many texts as a flow's parameter
        return sum(map(bool, ask.map(work.texts).result()))

    return await asyncio.to_thread(ask_all)


async def with_pydantic_ai(work: Work) -> int:
    """Run a pydantic-ai agent with its durability under Prefect."""
    client = openai.AsyncOpenAI(base_url=work.url, api_key="none", max_retries=0)
    model = OpenAIChatModel(MODEL, provider=OpenAIProvider(openai_client=client))
    durability: Any = PrefectDurability()
    agent = Agent(model, name="bench", system_prompt=SYSTEM, capabilities=[durability])

    async def send(text: str) -> str:
        return (await agent.run(text)).output

    @flow
    async def ask_all() -> int:
        return await gathered(work, send)

    return await ask_all()


async def with_async_batch_llm(work: Work) -> int:
    """Process prompts with async-batch-llm."""
    model = async_batch_llm.OpenAIModel.from_api_key(
        MODEL,
        "none",
        base_url=work.url,
        system_instruction=SYSTEM,
        max_connections=work.in_flight,
        api_surface="chat_completions",
    )
    strategy = async_batch_llm.OpenAIStrategy(model)
    batch = await async_batch_llm.process_prompts(strategy, work.texts, concurrency=work.in_flight)
    return int(batch.succeeded)


async def with_accrue(work: Work) -> int:
    """Enrich rows with Accrue, its cache on."""
    step = LLMStep("summary", ["summary"], model=MODEL, base_url=work.url, api_key="none")
    with tempfile.TemporaryDirectory() as directory:
        config = EnrichmentConfig(
            max_workers=work.in_flight, enable_caching=True, cache_dir=directory, enable_progress_bar=False
        )
        rows = [{"text": text} for text in work.texts]
        result = await Pipeline([step]).run_async(rows, config)
    return sum(bool(row["summary"]) for row in result.data)


if __name__ == "__main__":
    main(
        {
            "task awaited": with_awaited_tasks,
            "task mapped": with_mapped_tasks,
            "pydantic-ai": with_pydantic_ai,
            "async-batch-llm": with_async_batch_llm,
            "accrue": with_accrue,
        }
    )
