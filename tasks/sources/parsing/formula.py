"""Word's formulas in one line of text."""

from xml.etree.ElementTree import Element

M = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"


def formula(given: Element | None) -> str:
    """Write a formula as one would type it: (a + b)/2, x^2."""
    if given is None:
        return ""
    if given.tag == M + "t":
        return given.text or ""

    def part(name: str) -> str:
        return formula(given.find(M + name))

    match given.tag.removeprefix(M):
        case "f":
            return f"{_one(part('num'))}/{_one(part('den'))}"
        case "sSup":
            return f"{_one(part('e'))}^{_one(part('sup'))}"
        case "sSub":
            return f"{_one(part('e'))}_{_one(part('sub'))}"
        case "rad":
            return f"{part('deg')}√{_one(part('e'))}"
        case "d":
            return f"({', '.join(map(formula, given.findall(M + 'e')))})"
        case "nary":
            return f"∑({part('sub')}, {part('sup')}) {part('e')}"
        case name if name.endswith("Pr"):
            return ""
        case _:
            return "".join(map(formula, given))


def _one(text: str) -> str:
    return text if text.isalnum() or not text else f"({text})"
