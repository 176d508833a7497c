from __future__ import annotations

import pytest

from ingest.progress import FILE_STAGES, REEMBEDDING_STAGES, Progress


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(autouse=True)
def pace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Progress, "passage_seconds", 0.05)


def test_pages_tell_how_long_the_rest_takes() -> None:
    clock = Clock()
    progress = Progress(FILE_STAGES, clock)
    assert progress.columns()["seconds_left"] is None
    clock.now += 6
    progress.page("ocr", 2, 10)
    found = progress.columns()
    assert found["seconds_left"] == pytest.approx(24)
    assert found["progress"] == pytest.approx(0.2)
    assert (found["pages_done"], found["pages_total"]) == (2, 10)


def test_what_was_before_the_first_picture_does_not_slow_the_rest() -> None:
    clock = Clock()
    progress = Progress(FILE_STAGES, clock)
    clock.now += 20  # in which the text around the pictures was read
    progress.page("ocr", 0, 10)
    clock.now += 3
    progress.page("ocr", 1, 10)
    assert progress.columns()["seconds_left"] == pytest.approx(27)


def test_a_document_is_embedded_too_at_the_pace_of_those_before() -> None:
    clock = Clock()
    progress = Progress(clock=clock)
    clock.now += 5
    progress.page("parsing", 50, 100)
    assert progress.columns()["seconds_left"] == pytest.approx(5 + 400 * 0.05)
    clock.now += 5
    progress.page("parsing", 100, 100)
    progress.at("chunking")
    progress.at("embedding", 0, 300)
    assert progress.columns()["seconds_left"] == pytest.approx(300 * 0.05)
    clock.now += 10
    progress.at("embedding", 100, 300)
    assert progress.columns()["seconds_left"] == pytest.approx(20)
    progress.at("indexing")
    assert progress.columns()["seconds_left"] == 0
    assert Progress.passage_seconds == pytest.approx(0.1), "the next document's guess"


def test_work_that_was_done_before_is_no_pace() -> None:
    clock = Clock()
    progress = Progress(REEMBEDDING_STAGES, clock)
    progress.at("embedding", 800, 1000)
    clock.now += 4
    progress.at("embedding", 840, 1000)
    assert progress.columns()["seconds_left"] == pytest.approx(16)


def test_the_share_never_goes_back_and_ends_below_one() -> None:
    clock = Clock()
    progress = Progress(clock=clock)
    clock.now += 1
    progress.page("parsing", 9, 10)
    before = progress.columns()["progress"]
    clock.now += 60
    progress.page("parsing", 10, 10)
    progress.at("embedding", 0, 5000)
    after = progress.columns()["progress"]
    assert before <= after < 1
    progress.at("indexing")
    assert progress.columns()["progress"] == pytest.approx(0.99)


def test_the_share_is_that_of_the_time_from_the_first_passage_on() -> None:
    clock = Clock()
    progress = Progress(clock=clock)
    progress.at("chunking")
    progress.at("embedding", 0, 1000)
    assert progress.columns()["progress"] == 0
    shares = []
    for done in range(100, 1000, 100):
        clock.now += 10
        progress.at("embedding", done, 1000)
        shares.append(progress.columns()["progress"])
    assert shares == pytest.approx([done / 1000 for done in range(100, 1000, 100)])


def test_what_is_left_shrinks_between_two_reports() -> None:
    clock = Clock()
    progress = Progress(clock=clock)
    progress.at("embedding", 0, 300)
    clock.now += 10
    progress.at("embedding", 100, 300)
    left = []
    for _ in range(4):
        left.append(progress.columns()["seconds_left"])
        clock.now += 4
    assert left == pytest.approx([20, 16, 12, 11]), "a hundred take ten seconds, and then are late"


def test_a_job_that_is_taken_up_again_goes_on_from_its_share() -> None:
    clock = Clock()
    progress = Progress(REEMBEDDING_STAGES, clock)
    progress.at("embedding", 800, 1000)
    assert progress.columns()["progress"] == pytest.approx(0.8)
    clock.now += 10
    progress.at("embedding", 900, 1000)
    assert progress.columns()["progress"] == pytest.approx(0.9)
