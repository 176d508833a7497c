"""Both sides of a conversation are where they were said on the clock."""

from __future__ import annotations

import numpy as np

from copilot.voice.tracks import Tracks

SECOND = 16_000


def _pcm(value: int, samples: int) -> bytes:
    return np.full(samples, value, dtype="<i2").tobytes()


def _sides(tracks: Tracks, moment: int) -> tuple[list[int], list[int]]:
    frames = np.frombuffer(tracks.until(moment), dtype="<i2").reshape(-1, 2)
    return frames[:, 0].tolist(), frames[:, 1].tolist()


def _runs(samples: list[int]) -> list[tuple[int, int]]:
    """Return which values follow one another, and how often each."""
    runs: list[tuple[int, int]] = []
    for value in samples:
        if runs and runs[-1][0] == value:
            runs[-1] = (value, runs[-1][1] + 1)
        else:
            runs.append((value, 1))
    return runs


def test_what_the_caller_said_ends_when_it_came() -> None:
    tracks = Tracks()
    tracks.hear(_pcm(5, SECOND), 3 * SECOND)
    heard, said = _sides(tracks, 4 * SECOND)
    assert _runs(heard) == [(0, 2 * SECOND), (5, SECOND), (0, SECOND)]
    assert _runs(said) == [(0, 4 * SECOND)]


def test_pieces_that_come_somewhat_early_or_late_follow_one_another() -> None:
    tracks = Tracks()
    for moment in (1600, 3000, 5500, 6400):  # a tenth of a second each, as networks bring them
        tracks.hear(_pcm(5, 1600), moment)
    heard, _ = _sides(tracks, 6400)
    assert _runs(heard) == [(5, 6400)]


def test_an_answer_is_where_it_is_played_not_where_it_was_sent() -> None:
    tracks = Tracks()
    for value in (1, 2, 3):  # sent at once, played one after the other
        tracks.say(_pcm(value, SECOND), SECOND)
    _, said = _sides(tracks, 4 * SECOND)
    assert _runs(said) == [(0, SECOND), (1, SECOND), (2, SECOND), (3, SECOND)]


def test_who_interrupts_takes_back_what_was_not_played() -> None:
    tracks = Tracks()
    tracks.say(_pcm(7, 4 * SECOND), 0)
    tracks.silence(SECOND)
    tracks.say(_pcm(8, SECOND), 2 * SECOND)
    _, said = _sides(tracks, 3 * SECOND)
    assert _runs(said) == [(7, SECOND), (0, SECOND), (8, SECOND)]


def test_what_is_written_is_forgotten_and_the_clock_goes_on() -> None:
    tracks = Tracks()
    tracks.hear(_pcm(5, 2 * SECOND), 2 * SECOND)
    tracks.say(_pcm(6, 2 * SECOND), SECOND)
    first = _sides(tracks, SECOND)
    tracks.drop(SECOND)
    assert tracks.waiting == 2 * SECOND
    rest = _sides(tracks, 3 * SECOND)
    assert _runs(first[0] + rest[0]) == [(5, 2 * SECOND), (0, SECOND)]
    assert _runs(first[1] + rest[1]) == [(0, SECOND), (6, 2 * SECOND)]
    tracks.drop(10 * SECOND)
    tracks.silence(9 * SECOND)
    tracks.hear(_pcm(5, 1600), 9 * SECOND)  # too late: it follows what is written
    assert _runs(_sides(tracks, 10 * SECOND + 1600)[0]) == [(5, 1600)]


def test_who_sends_more_than_time_gives_fills_no_memory() -> None:
    tracks = Tracks()
    for _ in range(200):
        tracks.hear(_pcm(5, SECOND), SECOND)
    assert tracks.waiting <= 32 * SECOND
