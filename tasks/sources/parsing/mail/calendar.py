"""Invitations: what, when, where and with whom."""

import re

READ = (
    "SUMMARY",
    "DTSTART",
    "DTEND",
    "DUE",
    "DURATION",
    "RRULE",
    "LOCATION",
    "ORGANIZER",
    "ATTENDEE",
    "DESCRIPTION",
    "STATUS",
)
EVENTS = ("VEVENT", "VTODO", "VJOURNAL")
FOLD = re.compile(r"\r?\n[ \t]")
LINE = re.compile(r"([\w-]+)((?:;[\w-]+=(?:\"[^\"]*\"|[^;:\"]*))*):(.*)")
MOMENT = re.compile(r"(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)(\d\d))?(Z?)")
ESCAPED = re.compile(r"\\([\\;,nN])")
NAME = re.compile(r";CN=\"?([^\";]+)", re.IGNORECASE)
ZONE = re.compile(r";TZID=\"?([^\";]+)", re.IGNORECASE)


def text(written: str) -> str:
    """Give the events of an iCalendar file (RFC 5545), a line for each thing that is said of them."""
    lines: list[str] = []
    within: list[str] = []
    for line in FOLD.sub("", written).splitlines():
        found = LINE.match(line)
        if not found:
            continue
        name, given, value = found[1].upper(), found[2], found[3].strip()
        if name == "BEGIN":
            within.append(value.upper())
        elif name == "END":
            del within[-1:]
        elif within and within[-1] in EVENTS and name in READ and value:
            lines.append(f"{name.capitalize()}: {_value(name, given, value)}")
    return "\n".join(lines)


def _value(name: str, given: str, value: str) -> str:
    if name.startswith("DT") or name == "DUE":
        zone = ZONE.search(given)
        return MOMENT.sub(_moment, value) + (f" {zone[1]}" if zone else "")
    if name in ("ORGANIZER", "ATTENDEE"):
        address = value.partition(":")[2] or value
        called = NAME.search(given)
        return f"{called[1]} <{address}>" if called else address
    return ESCAPED.sub(lambda escape: "\n" if escape[1] in "nN" else escape[1], value)


def _moment(found: re.Match[str]) -> str:
    day = f"{found[1]}-{found[2]}-{found[3]}"
    return f"{day} {found[4]}:{found[5]}{' UTC' if found[7] else ''}" if found[4] else day
