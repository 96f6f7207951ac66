"""Words that tell what a row is: sums and what is carried over, and what heads a column."""

import re
import unicodedata
from functools import lru_cache


def _set(said: str) -> frozenset[str]:
    return frozenset(said.split())


# Whose rows are sums, taxes, what is carried over or paid already: no items of a list.
SUMS = _set(
    """
    balance saldo total totals subtotal subtotals sum sums grand vat gst hst pst carried summe zwischensumme
    gesamtsumme endsumme gesamt gesamtbetrag endbetrag rechnungsbetrag nettobetrag bruttobetrag
    zahlbetrag netto brutto mwst ust umsatzsteuer mehrwertsteuer ubertrag vortrag zwischentotal
    nettosumme bruttosumme insgesamt soustotal tva ht ttc reporter somme subtotale totale imponibile iva
    riporto imponible arrastre totaal subtotaal btw soma razem podatek ogolem итого всего сумма ндс
    подытог перенос 合計 小計 総計 消費税 繰越 合计 小计 总计 합계 소계 총계 부가세 zaplaty summa delsumma
    moms mva alv yhteensa celkem mezisoucet dph osszesen afa toplam kdv
    """
)
# The same where a row lacks cells that others have; else it may be an article.
PERHAPS = _set(
    """
    net gross tax taxes rounding balance due payable brought forward amount outstanding deposit prepaid
    paid discount rabatt skonto anzahlung rundung steuer report sous montant solde remise acompte
    sconto importo suma importe base descuento bedrag transport korting desconto kwota freight shipping
    delivery carriage postage handling porto versand versandkosten fracht lieferung envio spedizione
    verzendkosten
    """
)
# Those of them that an invoice may charge for in a line like the others.
CHARGES = _set(
    """
    discount rabatt skonto remise sconto descuento korting desconto freight shipping delivery carriage
    postage handling porto versand versandkosten fracht envio spedizione verzendkosten transport deposit
    """
)
SUM_ENDS = ("betrag", "summe", "total", "steuer")  # of words that German joins
AMONG = _set(
    """
    zzgl zuzuglich abzuglich opening closing previous new of the for page this to be pay in and incl
    including excl excluding plus amount invoice order value
    price lines items all due rate at from on by date payment already less before after early deduction
    der die das seite fur aus inkl auf zu von bis des offener betrag rechnung zahlen abzgl gesetzl
    de du la le les a general generale geral net hors taxes toutes comprises sur payer avec del el los
    al pagar totaal van te betalen dovuto do att betala betale i
    eur usd gbp chf jpy pln cad aud nok sek dkk czk
    """
)
LABELS = _set(
    """
    no nr pos position item items article product description designation name names title role function
    type kind category date day time place address city country email phone contact company party
    department status note notes comment remark quantity qty unit price rate amount total value number
    code reference id owner task action person artikel bezeichnung beschreibung menge anzahl preis
    betrag datum ort adresse firma rolle funktion titel art stuck einheit bemerkung leistung vorname
    nachname telefon land produkt libelle quantite prix montant nom fonction ville pays descripcion
    cantidad precio importe nombre cargo fecha ciudad descrizione quantita prezzo importo nome ruolo
    data omschrijving aantal prijs bedrag naam functie
    """
)
# Names of columns that mean the same, in some languages.
ALIKE = tuple(
    _set(each)
    for each in (
        "item article product goods good service position description designation bezeichnung artikel "
        "beschreibung leistung produkt libelle descripcion articulo descrizione articolo omschrijving "
        "produto name nom work part text particulars details",
        "quantity qty quant pieces pcs count units menge anzahl stuck stk quantite qte cantidad cant "
        "quantita qta aantal hours stunden ilosc quantidade",
        "amount total sum value line betrag summe gesamt gesamtpreis montant importe importo bedrag "
        "totale kwota wert linetotal",
        "price rate unitprice each preis einzelpreis prix precio prezzo prijs cena satz",
        "date day datum fecha data",
        "number no nr pos id code sku ref reference artnr numero nummer",
        "name person participant attendee member signatory employee contact teilnehmer mitglied nom "
        "nombre naam",
        "unit uom einheit unite unidad unita eenheid",
    )
)
LONGEST_LABEL = 300  # characters that are looked at
UNMARKED = str.maketrans("łøđ", "lod")  # these letters do not come apart
WORD = re.compile(r"[^\W\d_]+")
CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")


@lru_cache(maxsize=10_000)
def words(said: str) -> tuple[str, ...]:
    """Give the words of a label, without case and accents."""
    apart = unicodedata.normalize("NFKD", said[:LONGEST_LABEL])
    plain = "".join(char for char in apart if not unicodedata.combining(char))
    whole = unicodedata.normalize("NFC", plain.casefold())  # the syllables of Hangul
    return tuple(WORD.findall(whole.translate(UNMARKED)))


def is_sum(said: str, *, whole: bool = True) -> bool:
    """Say whether a row's label is that of a sum: all of its words are such as sums have.

    `whole` says that the row has all cells that the others have.
    """
    found = words(said)
    return any(_sums(each, whole=whole) for each in found) and all(
        each in AMONG or _sums(each, whole=False) for each in found
    )


def _sums(word: str, *, whole: bool) -> bool:
    return word in SUMS or (not whole and (word in PERHAPS or word.endswith(SUM_ENDS)))


def is_charge(said: str) -> bool:
    """Say whether a row's label is that of what is charged beside the goods, which may be an item."""
    return any(each in CHARGES for each in words(said))


def is_label(said: str) -> bool:
    """Say whether a cell says what may head a column."""
    found = words(said)
    return bool(found) and len(found) <= 4 and any(each in LABELS for each in found)


def same(name: str, label: str) -> bool:
    """Say whether a property's name and a column's label mean the same."""
    return not _stems(name).isdisjoint(_stems(label))


def alike(name: str, label: str) -> bool:
    """Say whether they are names of one kind of column, such as article and item."""
    return same(name, label) or not _kinds(name).isdisjoint(_kinds(label))


@lru_cache(maxsize=10_000)
def _stems(said: str) -> frozenset[str]:
    return frozenset(_stem(word) for word in words(CAMEL.sub(" ", said)) if len(word) > 2)


def _stem(word: str) -> str:
    return word[:-3] + "y" if word.endswith("ies") else word.removesuffix("s")


@lru_cache(maxsize=10_000)
def _kinds(said: str) -> frozenset[int]:
    found = words(CAMEL.sub(" ", said))
    return frozenset(n for n, kind in enumerate(ALIKE) if any(w in kind or _stem(w) in kind for w in found))
