"""Frees the cache's records that no stored outcome needs, and outcomes' earlier forms that are old."""

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice

from pydantic import BaseModel, ConfigDict

from docmill.schemas.errors import ConfigError
from docmill.tasks.chat.kept import Cache
from docmill.tasks.chat.records import YOUNG_S, Record, Records
from docmill.tasks.sinks.needs import Needs, drop_history, take_needs
from docmill.tasks.sinks.register import Registered, identity, registered

ID = re.compile(r"[0-9a-f]{16}")  # a database's own
CHUNK = 500


class Pruned(BaseModel):
    """What became of a cache's records; `freed` are those that would be, of a dry run.

    `needed` are those of outcomes, `recent` those written or read within the time, `unknown` those of which
    it is not known whether an outcome needs them, `in_use` those that a run asked for at that moment.
    """

    model_config = ConfigDict(frozen=True)

    freed: int = 0
    freed_bytes: int = 0
    needed: int = 0
    recent: int = 0
    unknown: int = 0
    in_use: int = 0
    earlier_forms: int = 0
    databases: tuple[str, ...] = ()


@dataclass(frozen=True)
class Databases:
    """The results databases that a cache was used for, by their URLs without a password.

    `given` are those that were named. Records that were written before `known_since` may be needed by others.
    """

    urls: Mapping[str, str]
    given: Collection[str]
    listed: Sequence[Registered]
    known_since: float


def databases(cache: Cache, given: Iterable[str], without: Iterable[str]) -> Databases:
    """Find the databases: those that runs have written down, and those that are given.

    `without` are those that are gone, by their URLs or ids. Raises ConfigError where one of them cannot be
    opened for want of its password.
    """
    known = {identity(url): url for url in given}
    named = tuple(known)
    gone = {each if ID.fullmatch(each) else identity(each) for each in without}
    found = registered(cache)
    listed = [each for each in found if not {each.url, each.id} & gone]
    for each in listed:
        if each.url in known:
            continue
        if not each.is_whole:
            raise ConfigError(
                f"{each.url} has outcomes that need records, and its password is not known here: name its "
                f"pipeline, or --into URL. Where it is gone for good: --without {each.url}"
            )
        known[each.url] = each.url
    since = min((each.since for each in found), default=datetime.now(UTC))
    return Databases(known, named, listed, since.timestamp())


def prune(cache: Cache, of: Databases, days: int, *, dry_run: bool, unknown: bool) -> Pruned:
    """Free what no outcome needs and was neither written nor read for some days.

    With `unknown` also what may be needed by outcomes of which that is not known. Raises ConfigError where
    a database cannot be read: nothing is freed then.
    """
    before = datetime.now(UTC) - timedelta(days=days)
    needs = Needs(unknown_until=of.known_since)
    _take_all(needs, of)
    # First, as it may fail: nothing is freed then.
    earlier = sum(drop_history(url, before, dry_run=dry_run) for url in of.urls.values())
    counts = Counter({"earlier_forms": earlier})
    with cache.records(before.timestamp()) as held:
        why = partial(_kept, needs, held, before.timestamp(), 0.0 if unknown else needs.unknown_until)
        listed = held.each()
        while chunk := list(islice(listed, CHUNK)):
            _free(chunk, held, why, counts, dry_run=dry_run)
        if not dry_run:
            held.forget()
    return Pruned(**counts, databases=tuple(of.urls))


def _free(
    chunk: Sequence[Record],
    held: Records,
    why: Callable[[Record], str | None],
    counts: Counter[str],
    *,
    dry_run: bool,
) -> None:
    """Free what need not stay of some records, and count what became of each."""
    kept = [why(record) for record in chunk]
    loose = [record for record, reason in zip(chunk, kept, strict=True) if reason is None]
    freed = loose if dry_run else held.free(loose)
    counts.update(filter(None, kept))
    counts["freed"] += len(freed)
    counts["freed_bytes"] += sum(record.size for record in freed)
    counts["in_use"] += len(loose) - len(freed)


def _take_all(needs: Needs, of: Databases) -> None:
    """Take in what all need; raises ConfigError where another stands in a listed one's place."""
    had = {each.url for each in of.listed}
    ids = {shown: take_needs(needs, url, has_outcomes=shown in had) for shown, url in of.urls.items()}
    given = {ids[shown] for shown in of.given}
    for each in of.listed:
        if each.id is not None and each.id not in given | {ids[each.url]}:
            raise ConfigError(
                f"{each.url} is not the database that runs have used with this cache, whose id is {each.id}: "
                "it was replaced, or is another machine's, and what its outcomes need is not known. Say "
                f"where it is by --into URL or, where it is gone for good: --without {each.id}"
            )


def _kept(needs: Needs, held: Records, before: float, unknown_until: float, record: Record) -> str | None:
    """Say why a record stays; None where it need not."""
    if record.written >= before - YOUNG_S:  # it may have been read since, which was not noted
        return "recent"
    if not record.is_whole:
        return None
    if needs.has(record.digest):
        return "needed"
    if held.was_used(record):
        return "recent"
    return "unknown" if record.written <= unknown_until else None
