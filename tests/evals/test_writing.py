"""What an eval cannot write, or go on with, is refused before anything is measured."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from evals.__main__ import app

_COMMANDS = ("retrieval", "answers", "ocr", "ingest", "tools", "injection", "modes", "bench")


def _refusal(*arguments: str | Path) -> str:
    done = CliRunner().invoke(app, [str(each) for each in arguments])
    assert done.exit_code == 2, done.output
    return " ".join(done.output.replace("│", " ").split())


@pytest.fixture(autouse=True)
def nothing_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("servers were started for what was to be refused")

    monkeypatch.setattr("evals.scratch._running", refuse)


@pytest.mark.parametrize("command", _COMMANDS)
def test_a_place_that_cannot_be_written_is_refused_at_once(command: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    assert "is no folder" in _refusal(command, "--json", tmp_path / "file" / "found.json")
    assert "name a file" in _refusal(command, "--json", tmp_path)


def test_the_folder_of_a_report_is_made(tmp_path: Path) -> None:
    found = tmp_path / "new" / "found.json"
    _refusal("retrieval", "--data", tmp_path, "--json", found)  # there is no set to read
    assert found.parent.is_dir()


@pytest.mark.parametrize("command", ["retrieval", "answers", "ocr", "ingest"])
def test_a_baseline_that_is_no_report_is_refused_at_once(command: str, tmp_path: Path) -> None:
    baseline = tmp_path / "baseline.json"
    assert "no report" in _refusal(command, "--baseline", baseline)
    baseline.write_text("[]")
    assert "no figures" in _refusal(command, "--baseline", baseline)


def test_what_is_no_report_is_not_gone_on_with(tmp_path: Path) -> None:
    found = tmp_path / "found.json"
    found.write_text('{"model": ')
    assert "no report to go on with" in _refusal("answers", "--resume", "--json", found)
    found.write_text("{}")
    assert "begin without --resume" in _refusal("answers", "--resume", "--json", found)


@pytest.mark.parametrize(
    ("command", "name", "content"),
    [
        ("retrieval", "qrels/test.tsv", "query-id\tcorpus-id\tscore\n1\t2\tmany\n"),
        ("answers", "qna.jsonl", '{"id": "1"}\n'),
        ("answers", "qna.jsonl", "no json\n"),
        ("tools", "tasks.json", '["no task"]'),
        ("injection", "text_attacks.json", "[]"),
    ],
)
def test_malformed_data_is_refused_and_told_of(
    command: str, name: str, content: str, tmp_path: Path
) -> None:
    (tmp_path / "corpus.jsonl").write_text("{}\n")
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text(content)
    assert "not of the form that --help tells of" in _refusal(command, "--data", tmp_path)
