"""References in settings: types kept, texts filled in, nothing read twice."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from core.errors import ValidationFailed
from pipelines.expressions import evaluate
from pipelines.references import MAX_TEXT, Reference, Secret, as_text, find, resolve
from pipelines.scope import RunScope, by_socket


def _scope(**outputs: JsonValue) -> RunScope:
    return RunScope({"city": "Ulm"}, {"KEY": "k-1"}, values=by_socket(outputs))


@pytest.mark.parametrize(
    ("value", "filled"),
    [
        ("<a.n>", 5),
        (" <a.n> ", 5),
        ("n=<a.n>", "n=5"),
        ("<a.list>", [1, {"x": "ö"}]),
        ("<a.list[1].x>", "ö"),
        ("<a.list.1.x>", "ö"),
        ("<a.list[9]>", None),
        ("L: <a.list>", 'L: [1, {"x": "ö"}]'),
        ("<a.yes>/<a.nil>/<gone.x>", "true//"),
        ("<gone.x>", None),
        ("<variable.city>", "Ulm"),
        ("{{KEY}}", "k-1"),
        ("Bearer {{ KEY }}", "Bearer k-1"),
        ({"k": ["<a.n>", {"z": "<a.n>!"}]}, {"k": [5, {"z": "5!"}]}),
        ("<b>bold</b> a < b.c > d <a>", "<b>bold</b> a < b.c > d <a>"),
        ("<me@example.com>", "<me@example.com>"),
        ("from <3.5> to <4[1]>", "from <3.5> to <4[1]>"),
        (7, 7),
    ],
)
def test_resolve(value: JsonValue, filled: JsonValue) -> None:
    output: JsonValue = {"n": 5, "list": [1, {"x": "ö"}], "yes": True, "nil": None}
    assert resolve(value, _scope(a=output)) == filled


def test_what_is_brought_in_is_not_read_again() -> None:
    scope = _scope(a={"t": "{{KEY}} <a.t> <a.u>", "u": "secret?"})
    assert resolve("x <a.t>", scope) == "x {{KEY}} <a.t> <a.u>"


def test_a_filled_text_is_bounded() -> None:
    scope = _scope(a={"t": "x" * (MAX_TEXT // 2)})
    with pytest.raises(ValidationFailed, match="exceeds"):
        resolve("<a.t> <a.t> <a.t>", scope)


def test_a_deep_setting_is_refused() -> None:
    value: JsonValue = "x"
    for _ in range(200):
        value = [value]
    with pytest.raises(ValidationFailed, match="nested deeper"):
        list(find(value))


def test_a_name_may_begin_with_a_digit() -> None:
    outputs = RunScope({}, values=by_socket({"1ststep": {"n": 5}}))
    assert resolve("<1stStep.n>", outputs) == 5
    assert evaluate("<1ststep.n> > 4 and 3 <4", outputs) is True


def test_find_in_reading_order() -> None:
    found = list(find(["<A.b> {{K}}", {"x": "<c.d[2]>"}]))
    assert found == [Reference("a", ("b",)), Secret("K"), Reference("c", ("d", "2"))]


@given(st.text(), st.text())
def test_a_text_comes_through_unchanged(before: str, inner: str) -> None:
    scope = _scope(a={"t": inner})
    plain = before.replace("<", "").replace("{", "")
    assert resolve(f"{plain}<a.t>|", scope) == f"{plain}{inner}|"


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_a_lone_reference_keeps_the_type(value: JsonValue) -> None:
    assert resolve("<a.t>", _scope(a={"t": value})) == value
    assert isinstance(as_text(value), str)
