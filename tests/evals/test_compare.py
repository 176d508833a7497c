from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from evals.__main__ import app
from evals.cases import BadData
from evals.compare import changes, fallen, load_report


def _report(*scores: float, name: str = "set") -> dict[str, Any]:
    return {
        "dataset": name,
        "split": "test",
        "modes": {"hybrid": {"ndcg@10": sum(scores) / len(scores), "latencyMs": {"p50": 9}}},
        "byQuery": {"hybrid": {f"q{i}": score for i, score in enumerate(scores)}},
        "oneGoldFirst": {"right": 3, "of": 4},
    }


def test_every_figure_is_compared_and_chance_told() -> None:
    found = {c.name: c for c in changes(_report(*[0.1] * 20), _report(*[0.9] * 20))}
    assert set(found) == {"hybrid ndcg@10", "oneGoldFirst"}
    assert found["hybrid ndcg@10"].difference == pytest.approx(0.8)
    assert (found["hybrid ndcg@10"].chance or 1) < 0.01
    assert found["oneGoldFirst"].difference == 0


def test_a_difference_that_goes_both_ways_may_be_chance() -> None:
    before, after = _report(0.1, 0.9, 0.5, 0.4), _report(0.9, 0.1, 0.4, 0.5)
    assert (changes(before, after)[0].chance or 0) > 0.5
    assert changes(before, before)[0].chance == 1


def test_reports_of_different_sets_are_not_compared() -> None:
    with pytest.raises(BadData, match="other"):
        changes(_report(0.5), _report(0.5, name="other"))


@pytest.mark.parametrize("text", ["", "[]", "{}"])
def test_what_is_no_report_is_told(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(BadData):
        load_report(tmp_path / "x.json")


@pytest.mark.parametrize(
    ("after", "arguments", "code"),
    [(0.5, [], 0), (0.7, [], 0), (0.49, [], 1), (0.49, ["--tolerance", "0.02"], 0)],
)
def test_the_exit_code_tells_a_fall(
    tmp_path: Path, after: float, arguments: list[str], code: int
) -> None:
    for name, score in (("a.json", 0.5), ("b.json", after)):
        (tmp_path / name).write_text(json.dumps(_report(score)))
    files = [str(tmp_path / "a.json"), str(tmp_path / "b.json")]
    assert CliRunner().invoke(app, ["compare", *files, *arguments]).exit_code == code


def test_the_page_shows_every_figure_twice_and_marks_a_fall(tmp_path: Path) -> None:
    for name, score in (("a.json", 0.5), ("b.json", 0.25)):
        (tmp_path / name).write_text(json.dumps(_report(score, name="<set>")))
    files = [str(tmp_path / each) for each in ("a.json", "b.json", "c.html")]
    ended = CliRunner().invoke(app, ["compare", *files[:2], "--html", files[2]])
    assert ended.exit_code == 1
    page = (tmp_path / "c.html").read_text()
    assert page.count("<rect") == 4
    assert page.count("class=wrong") == 1
    assert "-0.2500" in page
    assert "&lt;set&gt;: against a.json" in page
    assert "<set>" not in page


def test_a_yardstick_may_fall() -> None:
    before, after = _report(0.5), _report(0.5)
    for report, score in ((before, 0.4), (after, 0.3)):
        report["modes"]["rrf"] = {"ndcg@10": score}
    found = changes(before, after)
    assert {change.name for change in found} >= {"rrf ndcg@10"}
    assert fallen(found, 0.005) == []
