"""Word's formulas in one line of text."""

from xml.etree.ElementTree import Element

M = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
BETWEEN = {"f": ("num", "/", "den"), "sSup": ("e", "^", "sup"), "sSub": ("e", "_", "sub")}


def formula(given: Element | None) -> str:
    """Write a formula as one would type it: (a + b)/2, x^2."""
    if given is None:
        return ""
    if given.tag == M + "t":
        return given.text or ""

    def part(name: str) -> str:
        return formula(given.find(M + name))

    name = given.tag.removeprefix(M)
    if name in BETWEEN:
        first, sign, second = BETWEEN[name]
        return f"{_one(part(first))}{sign}{_one(part(second))}"
    match name:
        case "rad":
            return f"{part('deg')}√{_one(part('e'))}"
        case "d":
            return f"({', '.join(map(formula, given.findall(M + 'e')))})"
        case "nary":
            return f"∑({part('sub')}, {part('sup')}) {part('e')}"
    return "" if name.endswith("Pr") else "".join(map(formula, given))


def _one(text: str) -> str:
    return text if text.isalnum() or not text else f"({text})"
