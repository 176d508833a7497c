"""Masking takes time in proportion to the text, whatever the secret is made of."""

from __future__ import annotations

import time

import pytest

from pipelines.masking import TextMask, mask
from tests.api.conftest import Member

SECONDS = 20.0  # where a search from each character on takes minutes
MEGABYTE = 1_000_000
QUOTES = '"' * 1_000
OLD = '"%' * 30_000  # saved when secrets could be longer
TEXTS = {
    "quotes": QUOTES,
    "quotes_cut_short": '"' * 999 + "x",
    "escaped_quotes": '\\"' * 999 + "x",
    "encoded_quotes": "%22" * 999 + "x",
    "old_cut_short": OLD[:-1] + "x",
}


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("hidden", [QUOTES, OLD], ids=["quotes", "old"])
def test_mask_of_megabyte_like_the_secret_ends_soon(name: str, hidden: str) -> None:
    text = TEXTS[name] * (MEGABYTE // len(TEXTS[name]))
    began = time.monotonic()
    shown = mask({"a": text}, {"K": hidden})
    assert time.monotonic() - began < SECONDS
    if name == "quotes" and hidden == QUOTES:
        assert shown == {"a": "{{K}}" * (MEGABYTE // 1_000)}
    else:
        assert hidden not in str(shown)


@pytest.mark.parametrize("hidden", [QUOTES, OLD], ids=["quotes", "old"])
def test_text_mask_fed_text_like_the_secret_ends_soon(hidden: str) -> None:
    text = (hidden[:-1] + "x") * (120_000 // len(hidden)) + hidden
    text_mask, began = TextMask({"K": hidden}), time.monotonic()
    pieces = [text[at : at + 2_000] for at in range(0, len(text), 2_000)]
    shown = "".join([*map(text_mask.feed, pieces), text_mask.finish()])
    assert time.monotonic() - began < SECONDS
    assert shown.endswith("{{K}}")
    assert hidden not in shown


@pytest.mark.parametrize("hidden", ['a"b', "a\\b\\", '\\n"'])
def test_text_mask_fed_single_characters_masks_as_mask_does(hidden: str) -> None:
    secrets, text = {"K": hidden}, f"x{hidden}y {hidden}{hidden} z\\"
    text_mask = TextMask(secrets)
    shown = "".join([*map(text_mask.feed, text), text_mask.finish()])
    assert shown == mask(text, secrets)
    assert hidden not in shown


async def test_put_secret_beyond_8_kb_answers_400(member: Member) -> None:
    path = f"/api/workspaces/{member.workspace_id}/secrets/LONG"
    answers = [
        await member.browser.put(path, json={"value": "x" * size}) for size in (8_192, 8_193)
    ]
    assert [answer.status_code for answer in answers] == [204, 400]
