"""Labels of cited statements."""

from __future__ import annotations

from evals.support_labels import count_supported, digest, load_labels

ROW = {
    "id": "q1",
    "content": "Profit was 5. [1]\nRent fell. [2]\nIt rained.",
    "citations": [{"n": 1, "quote": "Profit was 5."}, {"n": 2, "quote": "Rent fell."}],
}


def test_count_supported_counts_labelled_statements_and_how_many_have_labels() -> None:
    labels = {"q1": {digest("Profit was 5."): False, digest("Rent rose."): True}}
    assert count_supported([ROW, {**ROW, "id": "q2"}], labels) == {
        "supportedByLabels": {"right": 0, "of": 1},
        "labelled": {"right": 1, "of": 2},
    }
    assert count_supported([ROW], {}) == {}


def test_load_labels_holds_digests_and_verdicts_only() -> None:
    labels = load_labels("sec10q_docugami")
    assert len(labels) == 100
    assert all(len(key) == 16 for each in labels.values() for key in each)
    assert load_labels("another set") == {}
