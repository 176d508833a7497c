"""Blanks between the signs of Chinese and Japanese."""

from __future__ import annotations

import pytest

from ingest.ideographs import closed


@pytest.mark.parametrize(
    ("line", "read"),
    [
        ("日本機 械 学 会 流 体", "日本機械学会流体"),
        ("流体 力 学教育に お け る", "流体力学教育における"),
        ("目 录", "目录"),
        ("正 石 （神奈川 工 科大学）", "正石（神奈川工科大学）"),
        ("中 文 ABC 中 文", "中文 ABC 中文"),
    ],
)
def test_signs_that_were_set_apart_are_closed(line: str, read: str) -> None:
    assert closed(line) == read


@pytest.mark.parametrize(
    "line", ["北京 上海 广州", "3 月 12 日", "A 中 B", "대한 민국 은 좋 다", "one two", ""]
)
def test_words_stay_apart(line: str) -> None:
    assert closed(line) == line
