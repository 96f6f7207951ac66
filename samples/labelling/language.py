"""Three languages: how they write numbers and days, and the words that documents need."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from random import Random

NO_BREAK = "\u00a0"
NARROW = "\u202f"
MONTHS = {
    "en": "January February March April May June July August September October November December",
    "de": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
}
SEPARATORS = {"en": [(",", ".")], "de": [(".", ",")], "fr": [(NO_BREAK, ","), (NARROW, ","), (" ", ",")]}
CURRENCY = {"en": ["£{}", "GBP {}", "{} GBP"], "de": ["{} €", "{} EUR", "EUR {}"], "fr": ["{} €", "{} EUR"]}


@dataclass(frozen=True)
class Writer:
    """Writes as one author does: in one language, in one way."""

    language: str
    thousands: str
    point: str
    money_form: str
    day_form: str

    @classmethod
    def drawn(cls, language: str, random: Random) -> "Writer":
        """Draw an author's habits."""
        thousands, point = random.choice(SEPARATORS[language])
        form = random.choice(["long", "long", "digits", "iso"])
        return cls(language, thousands, point, random.choice(CURRENCY[language]), form)

    def number(self, value: Decimal) -> str:
        """Write an amount with two places."""
        whole, _, cents = f"{value:,.2f}".partition(".")
        return whole.replace(",", self.thousands) + self.point + cents

    def money(self, value: Decimal) -> str:
        """Write an amount with its currency."""
        return self.money_form.format(self.number(value))

    def day(self, value: date) -> str:
        """Write a day."""
        if self.day_form == "iso":
            return value.isoformat()
        if self.day_form == "digits":
            return {
                "en": f"{value:%d/%m/%Y}",
                "de": f"{value.day}.{value.month}.{value:%Y}",
                "fr": f"{value:%d/%m/%Y}",
            }[self.language]
        month = MONTHS[self.language].split()[value.month - 1]
        dot = "." if self.language == "de" else "er" if self.language == "fr" and value.day == 1 else ""
        return f"{value.day}{dot} {month} {value.year}"
