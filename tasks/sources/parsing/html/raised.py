"""Raised and lowered marks, written so that they are no digits of the amount before them: 100², not 1002."""

import html
import re

RAISED = dict(
    zip(
        "0123456789+-=()abcdefghijklmnoprstuvwxyz\u2212",
        "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻ⁻",
        strict=True,
    )
)
LOWERED = dict(zip("0123456789+-=()", "₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎", strict=True))
BETWEEN = " ,;*"  # marks
INNER = r"((?:[^<]|<(?!/?su[bp]\b)[^<>]{0,300}>){0,200}?)"
STYLED = re.compile(
    r"<span\b[^<>]{0,300}?vertical-align:\s*(su)(?:per|(b))[^<>]{0,300}>([^<]{0,40})</span>", re.IGNORECASE
)
MARK = re.compile(rf"(\d?)<(sup|sub)\b[^<>]{{0,300}}>{INNER}</\2>", re.IGNORECASE)
TAG = re.compile(r"<[^<>]*>")
DIGIT = re.compile(r"\d")


def plain_marks(page: str) -> str:
    """Write a page's short `sup` and `sub` as characters; letters such as those of 3rd stay as they are."""
    if "vertical-align" in page:
        page = STYLED.sub(lambda span: f"<su{span[2] or 'p'}>{span[3]}</su{span[2] or 'p'}>", page)
    return MARK.sub(_plain, page)


def _plain(mark: re.Match[str]) -> str:
    before, raised, inner = mark[1], mark[2].lower() == "sup", mark[3]
    shown = html.unescape(TAG.sub("", inner)).strip()
    signs = RAISED if raised else LOWERED
    letters = sum(char.isalpha() for char in shown)
    if not shown or not (raised or before):  # H2O is written so
        return mark[0]
    if letters < 2 and all(char in signs or char in BETWEEN for char in shown):
        return before + "".join(signs.get(char, char) for char in shown)
    if "[" in shown or not (before and DIGIT.search(shown)):  # a link's own brackets set it apart
        return mark[0]
    return f"{before}{'^' if raised else '_'}{inner}"
