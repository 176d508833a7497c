"""When a turn begins and ends."""

from __future__ import annotations

import pytest

from copilot.voice.ears import Began, Ears, Ended, Heard, Paused, Resumed
from tests.voices import LoudnessDetector, silence, tone


def _ears(silence_seconds: float | None = 0.5) -> Ears:
    return Ears(LoudnessDetector(), 0.5, silence_seconds)


def _kinds(heard: list[Heard]) -> list[type]:
    return [type(one) for one in heard]


def test_a_turn_begins_with_speech_and_ends_with_a_pause() -> None:
    heard = _ears().feed(silence(1) + tone(1) + silence(1))
    assert _kinds(heard) == [Began, Paused, Ended]
    end = heard[-1]
    assert isinstance(end, Ended)
    assert 1.4 < len(end.pcm) / 32_000 < 1.9  # with what came before and the pause


def test_a_short_pause_is_taken_back() -> None:
    heard = _ears().feed(tone(0.5) + silence(0.3) + tone(0.5) + silence(1))
    assert _kinds(heard) == [Began, Paused, Resumed, Paused, Ended]


def test_what_was_paused_is_the_beginning_of_what_ended() -> None:
    _, paused, ended = _ears().feed(tone(0.5) + silence(1))
    assert isinstance(paused, Paused)
    assert isinstance(ended, Ended)
    assert ended.pcm.startswith(paused.pcm)


@pytest.mark.parametrize("size", [2, 100, 1024, 31_998])
def test_the_size_of_the_pieces_does_not_matter(size: int) -> None:
    pcm = silence(0.4) + tone(0.4) + silence(0.8)
    ears, heard = _ears(), []
    for at in range(0, len(pcm), size):
        heard += ears.feed(pcm[at : at + size])
    assert heard == _ears().feed(pcm)


def test_a_click_is_no_turn() -> None:
    assert _ears().feed(silence(0.5) + tone(0.03) + silence(1)) == []


def test_silence_and_nothing_are_no_turn() -> None:
    ears = _ears()
    assert ears.feed(b"") == []
    assert ears.feed(silence(3)) == []
    assert ears.flush() == []


def test_a_turn_that_is_ended_by_hand_waits_for_it() -> None:
    ears = _ears(None)
    assert _kinds(ears.feed(tone(0.5) + silence(3))) == [Began, Paused]
    assert _kinds(ears.flush()) == [Ended]
    assert ears.flush() == []


def test_a_turn_without_end_is_ended() -> None:
    heard = _ears().feed(tone(35))
    assert _kinds(heard) == [Began, Ended, Began]
    assert isinstance(heard[1], Ended)
    assert len(heard[1].pcm) <= 31 * 32_000
