"""What a model said: its text without its thinking, and of several JSON texts the one that is the answer."""

import json
import re
from collections import deque
from collections.abc import Collection
from typing import Any

from docmill.tasks.checks.jsontext import parse

NAMES = r"(?:think|thinking|thought|reasoning)"
OPENED, CLOSED = rf"(?:<{NAMES}(?: [^<>]*)?>|\[THINK\])", rf"(?:</{NAMES}>|\[/THINK\])"
BEGIN = re.compile(rf"^[ \t]*{OPENED}", re.IGNORECASE | re.MULTILINE)
NEXT = re.compile(rf"\s*{OPENED}", re.IGNORECASE)  # right behind a block
END = re.compile(CLOSED, re.IGNORECASE)
LINE_END = re.compile(rf"{CLOSED}[ \t]*(?:\n|\Z)", re.IGNORECASE)
# Marks of a model's own template, which servers leave in: gpt-oss's channels, and the end of an answer.
CHANNEL = re.compile(
    r"\A\s*<\|channel\|>.*<\|channel\|>final\b[^<]*(?:<\|constrain\|>\w+)?<\|message\|>", re.DOTALL
)
ENDED = re.compile(r"(?:<\|(?:im_end|eot_id|eom_id|endoftext|end|return)\|>|</s>)\s*\Z")
FENCE = re.compile(r"```\w*[ \t]*\n(.*?)```", re.DOTALL)
MOST_OBJECTS = 64
OBJECT = re.compile(r'\{\s*["}]')  # other braces are prose


def without_thinking(text: str) -> str:
    """Take out what the model thought before its answer; empty where it came to no answer.

    A block begins a line, so that a text which speaks of such tags keeps them. Templates open it
    within the prompt: then the reply has the end alone, at a line's end.
    """
    text = CHANNEL.sub("", ENDED.sub("", text))
    kept: list[str] = []
    at = 0
    while begin := (at and NEXT.match(text, at)) or BEGIN.search(text, at):
        end = END.search(text, begin.end())
        if end is None:
            return text if "".join([*kept, text[at : begin.start()]]).strip() else ""
        kept.append(text[at : begin.start()])
        at = end.end()
    unopened = LINE_END.search(text) if at == 0 else None
    return text[unopened.end() :] if unopened else "".join([*kept, text[at:]])


def answer(text: str, properties: Collection[str]) -> str:
    """Find the JSON text that is the answer, whole, in a fence or in prose: the last of the asked shape.

    An object of that shape has one of the properties; a draft before it does not count, even where
    the answer is not valid. The text itself where there is no object.
    """
    if _is_json(text):
        return text
    fenced = FENCE.fullmatch(text.strip())
    if fenced and _is_json(fenced[1]):
        return fenced[1].strip()
    objects = _objects(text)
    shaped = [written for written, value in objects if not properties or value.keys() & set(properties)]
    return shaped[-1] if shaped else objects[-1][0] if objects else text


def _is_json(text: str) -> bool:
    """Say whether it is JSON at all; what the strict reader has against it is said by its judge."""
    try:
        parse(text)
    except json.JSONDecodeError:
        return False
    except ValueError:
        return True
    return True


def _objects(text: str) -> list[tuple[str, dict[str, Any]]]:
    """List the last JSON objects of a text; none where one is broken, as what stands in it is no answer."""
    decoder, at = json.JSONDecoder(), 0
    found: deque[tuple[str, dict[str, Any]]] = deque(maxlen=MOST_OBJECTS)
    while brace := OBJECT.search(text, at):
        try:
            value, at = decoder.raw_decode(text, brace.start())
        except (ValueError, RecursionError):
            return []
        found.append((text[brace.start() : at], value))
    return list(found)
