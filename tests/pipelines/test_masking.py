"""Secrets are found however they are written, and wherever a text is cut."""

from __future__ import annotations

import itertools
import json
import re
from urllib.parse import quote, quote_plus, urlencode

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pipelines.masking import TextMask, mask

KEY = "pa\"ss\\w\\\\ört'h\n-----X9 zq&7/+=😀-----\n"
WRITTEN = [
    KEY,
    json.dumps(KEY),
    json.dumps(KEY, ensure_ascii=False),
    json.dumps({"inner": json.dumps([KEY])}),
    json.dumps({"inner": json.dumps([KEY], ensure_ascii=False)}, ensure_ascii=False),
    quote(KEY),
    quote(KEY, safe=""),
    re.sub("%..", lambda code: code[0].lower(), quote(KEY, safe="!'()*")),
    quote_plus(KEY),
    urlencode({"k": KEY}),
    repr(KEY),
    json.dumps({"url": "https://x.test/?k=" + quote_plus(KEY)}),
]


def test_the_longer_secret_is_preferred_and_keys_are_reached() -> None:
    secrets = {"A": "abc", "B": "abcdef", "EMPTY": ""}
    assert mask({"abc": ["x abcdef abc"]}, secrets) == {"{{A}}": ["x {{B}} {{A}}"]}


@pytest.mark.parametrize("written", WRITTEN)
def test_however_it_is_written(written: str) -> None:
    shown = mask(f"before {written} after", {"K": KEY})
    assert isinstance(shown, str)
    assert shown.count("{{K}}") == 1
    assert "zq" not in shown
    assert shown.startswith("before ")
    assert shown.endswith(" after")


def test_a_number_that_is_a_secret() -> None:
    shown = mask({"a": 471147, "b": 4711478, "c": True, "d": None}, {"PIN": "471147", "T": "true"})
    assert shown == {"a": "{{PIN}}", "b": 4711478, "c": True, "d": None}


@given(st.text(), st.text(min_size=1), st.text())
def test_nothing_else_is_touched(before: str, secret: str, after: str) -> None:
    assert mask(before, {"K": f"{before}{secret}"}) == before
    assert mask(f"{before}{secret}{after}", {}) == f"{before}{secret}{after}"


@given(st.text("ab"), st.text("ab", min_size=1), st.data())
@example("", "aba", None)
def test_in_pieces_as_in_one(text: str, secret: str, data: st.DataObject | None) -> None:
    secrets = {"K": secret, "L": secret + "a" + secret}
    whole = f"{text}{secret}{text}{secret}a{secret}"
    cuts = data.draw(st.sets(st.integers(0, len(whole)))) if data else {3}
    places = [0, *sorted(cuts), len(whole)]
    mask_ = TextMask(secrets)
    shown = [mask_.feed(whole[a:b]) for a, b in itertools.pairwise(places)]
    assert secret not in "".join([*shown, mask_.finish()])


@pytest.mark.parametrize("written", WRITTEN)
def test_written_otherwise_in_pieces(written: str) -> None:
    mask_ = TextMask({"K": KEY})
    text = f"before {written} after"
    assert "".join([*map(mask_.feed, text), mask_.finish()]) == mask(text, {"K": KEY})
