"""Rules in CEL: what they say of a record, exactly and bounded, and what is wrong with a rule."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docmill.schemas.rule import Rule
from docmill.tasks.checks.rules.language import WrongRule, compiled

PROPERTIES = (
    "net",
    "tax",
    "total",
    "lines",
    "currency",
    "iban",
    "vat",
    "due",
    "issued",
    "note",
    "unit price",
)
RECORD: dict[str, Any] = {
    "net": 0.1,
    "tax": 0.2,
    "total": 0.3,
    "lines": [{"amount": 0.1, "quantity": 1}, {"amount": 0.2, "quantity": 2}],
    "currency": "EUR",
    "iban": "DE89 3704 0044 0532 0130 00",
    "vat": "DE136695976",
    "issued": "2026-05-07",
    "due": "2026-06-06",
    "note": None,
    "unit price": 3,
}
DOCUMENT = {"id": "in/a.txt", "uri": "file:///in/a.txt", "pages": 3, "label": "invoice"}


def broken(that: str, **changes: Any) -> str | None:
    rule = Rule(name="r", that=that, message="wrong")
    return compiled(rule, PROPERTIES).broken(RECORD | changes, DOCUMENT)


@pytest.mark.parametrize(
    "that",
    [
        "net + tax == total",
        "net * 3 == total && 3 * net == total && net * 1.5 == 0.15 && 1 - net == 0.9 && total / 3 == net",
        "sum(lines.map(line, line.amount)) == total",
        "lines.all(line, line.amount > 0 && line.quantity >= 1)",
        "size(lines) == 2 && lines.exists(line, line.quantity == 2)",
        "currency in ['EUR', 'USD'] && is_currency(currency)",
        "is_iban(iban) && is_vat(vat)",
        "issued <= due && days(issued, due) == 30 && is_date(due)",
        "is_date(due, issued, due) && is_date(due, due, due)",
        "is_bic('AGRIFRPP882') && is_bic('AGRIFRPP') && is_vat('DE136695976')",
        "has(record.tax) != has(record.note)",
        "record['unit price'] == 3",
        "document.id.startsWith('in/') && document['uri'].endsWith('.txt')",
        "document.pages == 3 && document.label in ['invoice', 'bill'] && has(document.pages)",
        "currency.matches('^[A-Z]{3}$')",
        "round(net * 2.55, 2) == 0.26 && abs(net - tax) == 0.1 && -net < 0",
        "net < tax ? tax > 0.1 : false",
    ],
)
def test_a_rule_that_holds_is_kept(that: str):
    assert broken(that) is None


@pytest.mark.parametrize(
    ("that", "changes"),
    [
        ("net + tax == total", {"total": 0.31}),
        ("sum(lines.map(line, line.amount)) == total", {"lines": []}),
        ("is_currency(currency)", {"currency": "EURO"}),
        ("is_iban(iban)", {"iban": "DE89 3704 0044 0532 0130 01"}),
        ("issued <= due", {"due": "2026-05-06"}),
        ("has(record.tax) || has(record.note)", {"tax": None}),
        ("is_date(due)", {"due": "2026-02-30"}),
        ("is_date(due)", {"due": "20260507"}),  # which would compare wrongly with others, as texts
        ("is_date(due)", {"due": "2026-W19-4"}),
        ("is_date(due, '2026-01-01', issued)", {"due": "2026-05-08", "issued": "2026-05-07"}),
        ("is_date(due, issued, '2026-12-31')", {"due": "2026-05-06", "issued": "2026-05-07"}),
        ("is_vat(vat)", {"vat": "DE136695977"}),  # a wrong check digit
        ("is_vat(vat)", {"vat": "136695976"}),
        ("is_bic(vat)", {"vat": "AGRIFRP"}),
        ("is_iban(iban)", {"iban": "DE89"}),
        ("document.pages > 3", {}),
        ("document.label == 'bill'", {}),
    ],
)
def test_a_rule_that_does_not_hold_is_broken(that: str, changes: dict[str, Any]):
    assert broken(that, **changes) == "wrong"


def test_what_cannot_be_computed_for_want_of_a_value_does_not_apply():
    assert broken("net + tax == total", tax=None) is None
    assert broken("sum(lines.map(line, line.amount)) == total", lines=[{"amount": None}]) is None


def test_a_rule_about_a_fact_that_the_document_does_not_have_does_not_apply():
    rule = Rule(name="r", that="document.pages < 3", message="wrong")
    assert compiled(rule, PROPERTIES).broken(RECORD, DOCUMENT) == "wrong"
    assert compiled(rule, PROPERTIES).broken(RECORD, DOCUMENT | {"pages": None}) is None


def test_what_cannot_be_computed_otherwise_is_broken():
    assert broken("net / 0 == total") == "wrong (it cannot be computed)"
    assert broken("days(issued, due) > 0", due="soon") == "wrong (it cannot be computed)"


def test_a_long_list_within_a_long_list_is_not_passed_over():
    lines = [{"amount": 1, "quantity": 1}] * 2000
    assert broken("lines.all(a, lines.all(b, a.amount == b.amount))", lines=lines) == (
        "wrong (not computed: the record is too long for it)"
    )
    assert broken("lines.all(a, a.amount == 1)", lines=lines) is None


@pytest.mark.parametrize(
    ("that", "said"),
    [
        ("net + ", "column 5: this is not CEL"),
        ("nett > 1", "'nett' is no property of the schema; did you mean net?"),
        ("record.totl > 1", "'totl' is no property of the schema; did you mean total?"),
        ("sume(lines) > 1", "there is no function 'sume'; did you mean sum?"),
        ("document.page > 1", "a document has no 'page'; did you mean pages?"),
        ("document['text'] == ''", "a document has no 'text'; known: id, uri, pages, label"),
        ("lines.all(a, b > 1)", "'b' is no property of the schema"),
        ("note.matchez('a')", "there is no function 'matchez'; did you mean matches?"),
        (
            "lines.all(a, lines.all(b, lines.all(c, true)))",
            "lines are passed over within one another 3 deep: at most 2",
        ),
        ("(" * 400 + "net" + ")" * 400, "nested too deeply"),
    ],
)
def test_a_wrong_rule_is_refused_with_what_is_wrong(that: str, said: str):
    with pytest.raises(WrongRule) as caught:
        compiled(Rule(name="r", that=that), PROPERTIES)
    assert str(caught.value).replace("lists", "lines").startswith(said)


def test_without_a_message_the_rule_itself_is_told():
    rule = Rule(name="r", that="net > 1")
    assert compiled(rule, PROPERTIES).broken(RECORD, DOCUMENT) == "net > 1 does not hold"


AMOUNTS = st.decimals(-(10**9), 10**9, places=2)


@given(st.lists(AMOUNTS, max_size=20))
def test_sums_of_money_are_exact(amounts: list[Decimal]):
    lines = [{"amount": float(amount), "quantity": 1} for amount in amounts]
    assert (
        broken("sum(lines.map(line, line.amount)) == total", lines=lines, total=float(sum(amounts))) is None
    )
    more = float(sum(amounts) + Decimal("0.01"))
    assert broken("sum(lines.map(line, line.amount)) == total", lines=lines, total=more) == "wrong"


@given(AMOUNTS, AMOUNTS)
def test_numbers_reckon_and_compare_as_decimals_do(left: Decimal, right: Decimal):
    for total in (left + right, left + right + Decimal("0.01")):
        kept = broken("net + tax == total", net=float(left), tax=float(right), total=float(total)) is None
        assert kept == (left + right == total)
    assert (broken("net < tax", net=float(left), tax=float(right)) is None) == (left < right)
    assert (broken(f"net >= {right:f}", net=float(left)) is None) == (left >= right)


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
        max_leaves=10,
    )
)
def test_any_value_is_judged_without_a_crash(value: Any):
    for that in ("net + tax == total", "size(lines) > 0", "lines.all(l, l.amount > 0)", "is_iban(net)"):
        assert broken(that, net=value, lines=value) in (None, "wrong", "wrong (it cannot be computed)")
