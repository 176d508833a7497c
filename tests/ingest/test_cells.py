"""What cells of tables in HTML say."""

from __future__ import annotations

import pytest
from lxml import html

from ingest.cells import part_raised, words


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("H<sub>2</sub>O", "H2O"),
        ("<b>bo</b>ld <i>x</i>", "bold x"),
        ("one<br>two<p>three</p>four", "one two three four"),
        ("<ul><li>a<li>b</ul>", "a b"),
        ("<table><tr><td>a<td>b</table>", "a b"),
        ("<img alt=Yes>", "Yes"),
        ("<img alt=icon>5", "5"),
        ("<img>", ""),
    ],
)
def test_words_stay_whole_and_blocks_apart(source: str, said: str) -> None:
    assert words(html.fragment_fromstring(f"<td>{source}</td>")) == said


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("10<sup>5</sup> N", "10^5 N"),
        ("<b>1</b>0<sup>-3</sup>", "10^-3"),
        ("<b>10</b><sup>5</sup>", "10^5"),
        ("m<sup>2</sup>", "m2"),
        ("2<sup>nd</sup>", "2nd"),
        ("in 2023<sup><a href=#n>3</a></sup>", "in 2023 3"),
        ("Ropes<a href=#n><sup>3</sup></a> hold", "Ropes 3 hold"),
        ("Ropes <sup><a href=#n>3</a></sup>", "Ropes 3"),
    ],
)
def test_what_is_raised_is_no_part_of_the_word_or_figure_before(source: str, said: str) -> None:
    paragraph = html.fragment_fromstring(f"<p>{source}</p>")
    part_raised(paragraph)
    assert paragraph.text_content() == said
