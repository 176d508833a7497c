from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

import evals
from evals.cases import BadData, half_of, load_answers, load_retrieval

OWN = Path(evals.__file__).parent / "data"


def _beir(folder: Path, *splits: str) -> Path:
    (folder / "qrels").mkdir()
    with gzip.open(folder / "corpus.jsonl.gz", "wt") as file:
        file.write(json.dumps({"_id": "d1", "title": "T", "text": "text"}) + "\n")
    rows = [{"_id": f"q{number}", "text": "?"} for number in range(3)]
    (folder / "queries.jsonl").write_text("\n".join(map(json.dumps, rows)))
    for split in splits:
        lines = ["query-id\tcorpus-id\tscore", "q2\td1\t1", "q1\td1\t2", "q1\td2\t0"]
        (folder / "qrels" / f"{split}.tsv").write_text("\n".join(lines))
    return folder


def test_a_beir_folder_is_read(tmp_path: Path) -> None:
    cases = load_retrieval(_beir(tmp_path, "dev"), None, None)
    assert cases.split == "dev"
    assert [text.title for text in cases.corpus] == ["T"]
    assert cases.relevant == {"q2": {"d1": 1}, "q1": {"d1": 2, "d2": 0}}
    assert list(load_retrieval(tmp_path, "dev", 1).queries) == ["q2"]


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    with pytest.raises(BadData, match="corpus"):
        load_retrieval(tmp_path, None, None)
    _beir(tmp_path, "dev", "test")
    with pytest.raises(BadData, match="dev, test"):
        load_retrieval(tmp_path, None, None)
    with pytest.raises(BadData, match="--split"):
        load_retrieval(tmp_path, "train", None)


def test_our_own_sets_are_whole() -> None:
    cases = load_retrieval(OWN / "retrieval", None, None)
    known = {text.id for text in cases.corpus}
    assert len(known) == 40
    assert all(document in known for grades in cases.relevant.values() for document in grades)
    assert len(cases.queries) == 28
    answers = load_answers(OWN / "answers", None)
    assert len(answers.files) == 4
    assert len(answers.questions) == 11
    assert sum(not question.gold for question in answers.questions) == 3


def test_who_asks_of_files_left_out_is_to_be_told_that_there_is_nothing() -> None:
    whole, part = (load_answers(OWN / "answers", None, without=w) for w in (None, "*Norhavn*"))
    assert [path.name[5:] for path in part.files] == ["Report Skerra Shipping.md"] * 2
    gold = {question.id: question.gold for question in part.questions}
    assert not gold["a01"]
    assert {name[12:] for name in gold["a08"]} == {"Skerra Shipping.md"}
    assert len(gold) == len(whole.questions)
    assert part.checksum != whole.checksum
    with pytest.raises(BadData, match="none is left"):
        load_answers(OWN / "answers", None, without="*.md")


def test_the_halves_part_the_queries(tmp_path: Path) -> None:
    _beir(tmp_path, "dev")
    halves = [load_retrieval(tmp_path, half=half).queries for half in ("a", "b")]
    whole = load_retrieval(tmp_path).queries
    assert halves[0] | halves[1] == whole
    assert not halves[0].keys() & halves[1].keys()
    assert {half_of(str(number)) for number in range(20)} == {"a", "b"}


def test_queries_of_another_language_have_a_file_of_their_own(tmp_path: Path) -> None:
    _beir(tmp_path, "dev")
    (tmp_path / "queries.de.jsonl").write_text(json.dumps({"_id": "q2", "text": "Was?"}))
    assert load_retrieval(tmp_path, query_language="de").queries == {"q2": "Was?"}
