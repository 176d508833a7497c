"""Which brackets are a mark, and which are code's."""

from __future__ import annotations

import pytest

from pipelines.marks import is_code, without

CODE = [
    'd[1] = "a"',
    "    one_hot[0, 1, 0] = 1",
    "    return d[1]",
    "print(rows[0], rows[1])",
    "print(torch.tile(torch.max(x, dim=1)[0], (2, 2)))",
    'data = {"a": ["hello", "what"], "b": [4, 5, 6, 5]}',
    "model.fit(X=[[1], [2], [3]], y=[1, 2, 3])",
    "for row in table[1]:",
    "if not grid[0][1] and i in [1, 2]:",
    'assert x[10] != 10, "np.delete does not work"',
    "int first = values[0];",
    "total += rows[2]  # the third",
    "const x = list[0]; // the first",
]
PROSE = [
    "Net sales were $82,959 million [1].",
    "Sales rose[1]",
    "Revenue[1]: up",
    "**Revenue**: $82,959[1]",
    "EPS = $1.20 [1]",
    "EPS = $1.20[7]",
    "EPS (diluted) = $1.20 [1], $1.10 [2]",
    "Revenue (net)[1]",
    "Product(s)[7]",
    "The function f(x) returns 5[7]",
    "Revenue(net) rose[7]",
    "| x = 1 | high[1] |",
    "| Sales | f(x)[1] |",
    "- iPhone, iPad, Mac[1]",
    "# Results[1]",
    "净销售额(百万)=增长[7]",
    "See [the page](http://a.b/?c=d[1])",
    "https://a.b/?c=d[1]",
    "He sets x = rows[1]",
    "Margin = high[1].",
    "Currency risk, exposed[1][2]",
    'He says "sales rose [7]" = true',
    "x = 5  # whales sing [7]",
    "Whales `x = 1` a[7] = 2",
    "and then for all[7]",
    "",
    "x = 1",
]


@pytest.mark.parametrize("line", CODE)
def test_a_line_of_code_is_known(line: str) -> None:
    assert is_code(line)
    assert without(f"So [1]:\n{line}\n") == f"So:\n{line}\n"


@pytest.mark.parametrize("line", PROSE)
def test_what_is_said_is_no_code(line: str) -> None:
    assert not is_code(line)


def test_marks_are_taken_out_of_what_is_said_alone() -> None:
    assert without("So [1] it[2, 3] is [^4]: `a[1]` and ``b[`2]``.") == (
        "So it is: `a[1]` and ``b[`2]``."
    )
    assert without("```\na [1]\n```\nb [1]") == "```\na [1]\n```\nb"
    assert without("A stray ` and [7].") == "A stray ` and."
