from __future__ import annotations

from typing import Any

from copilot.tools.operations import DeleteBlock, UpdateBlock, applied


def _definition() -> dict[str, Any]:
    template = {"id": "template", "type": "short-input", "value": "say <asker.content>"}
    return {
        "blocks": {
            "l": {"id": "l", "type": "loop", "name": "Each", "subBlocks": {}},
            "a": {"id": "a", "type": "agent", "name": "Asker", "subBlocks": {}},
            "t": {
                "id": "t", "type": "template", "name": "Teller", "data": {"parentId": "l"},
                "subBlocks": {"template": template},
            },
        },
        "edges": [{"id": "e", "source": "a", "target": "l"}],
        "loops": {"l": {"id": "l", "nodes": ["t"]}},
    }  # fmt: skip


def test_references_follow_a_new_name_and_what_was_given_stays() -> None:
    before = _definition()
    after = applied(before, [UpdateBlock(op="update_block", id="a", name="Writer")])
    assert after["blocks"]["t"]["subBlocks"]["template"]["value"] == "say <writer.content>"
    assert before == _definition()


def test_with_a_container_goes_what_stands_in_it_and_what_leads_there() -> None:
    after = applied(_definition(), [DeleteBlock(op="delete_block", id="l")])
    assert (set(after["blocks"]), after["edges"], after["loops"]) == ({"a"}, [], {})
