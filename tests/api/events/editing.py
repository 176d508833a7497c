"""The events that change a workflow."""

from __future__ import annotations

from typing import Any, Final

from tests.api.events.case import LEFT_OUT, Case, Refusal, refusal
from tests.pipelines.editing.conftest import block

_EDGE: Final = {"id": "e9", "source": "s", "target": "u"}
_ANSWER: Final = frozenset({"version", "operationId", "patch", "inverse", "duplicate"})
_LARGE: Final = "x" * 900_000

# Whatever the edit is. Who may write need not have the workflow open.
_REFUSED: Final[tuple[Refusal, ...]] = (
    refusal("reader", "FORBIDDEN"),
    refusal("outsider", "NOT_FOUND"),
    refusal("outsider", "NOT_FOUND", workspaceId="$workspace"),
    refusal("narrow", "FORBIDDEN"),
    refusal("ended", "UNAUTHORIZED"),
    refusal("writer", "NOT_FOUND", workflowId="wf_none"),
    refusal("writer", "NOT_FOUND", workspaceId="ws_none"),
    refusal("writer", "CONFLICT", expectedVersion=99),
)
_MALFORMED: Final[tuple[dict[str, Any], ...]] = (
    {"operationId": ""},
    {"operationId": 3},
    {"expectedVersion": "new"},
    {"expectedVersion": 1.5},
    {"workspaceId": 3},
)
_OVERSIZE: Final = (
    ({"workflowId": "w" * 101}, "VALIDATION_ERROR"),
    ({"operationId": "o" * 201}, "VALIDATION_ERROR"),
)


def _edit(
    event: str,
    sent: dict[str, Any],
    *,
    refused: tuple[Refusal, ...],
    malformed: tuple[dict[str, Any], ...],
    oversize: tuple[tuple[dict[str, Any], str], ...] = (),
    answer: frozenset[str] = frozenset(),
) -> Case:
    return Case(
        sent={"workflowId": "$workflow", **sent},
        answer=_ANSWER | answer,
        refused=_REFUSED + refused,
        malformed=_MALFORMED + malformed,
        oversize=_OVERSIZE + oversize,
        first=(("workflow:join", {"workflowId": "$workflow"}),),
        others=frozenset({event, "workflow:update", "yjs:update"}),
    )


EDITING: Final = {
    "block:add": _edit(
        "block:add",
        {
            "block": block("n", "wait", "Wait"),
            "edges": [{"id": "e9", "source": "u", "target": "n"}],
        },
        answer=frozenset({"blockId"}),
        refused=(
            refusal("writer", "VALIDATION_ERROR", block=block("n", "no such type", "Wait")),
            refusal("writer", "CONFLICT", block=block("t", "wait", "There already")),
            refusal("writer", "VALIDATION_ERROR", edges=[{**_EDGE, "target": "none"}]),
        ),
        malformed=(
            {"block": LEFT_OUT},
            {"block": "n"},
            {"block": None},
            {"block": {**block("n", "wait", "Wait"), "id": 3}},
            {"edges": {"id": "e9"}},
            {"edges": ["e9"]},
            {"edges": None},
        ),
        oversize=(({"block": block("n" * 5_000, "wait", "Wait")}, "VALIDATION_ERROR"),),
    ),
    "block:update": _edit(
        "block:update",
        {"blockId": "t", "changes": {"name": "New Name"}},
        refused=(
            refusal("writer", "NOT_FOUND", blockId="none"),
            refusal("writer", "VALIDATION_ERROR", changes={"type": "no such type"}),
        ),
        malformed=(
            {"blockId": LEFT_OUT},
            {"blockId": 3},
            {"changes": LEFT_OUT},
            {"changes": 3},
            {"changes": None},
            {"changes": {"position": "left"}},
        ),
        oversize=(({"changes": {"name": _LARGE}}, "VALIDATION_ERROR"),),
    ),
    "block:delete": _edit(
        "block:delete",
        {"blockId": "u"},
        refused=(
            refusal("writer", "NOT_FOUND", blockId="none"),
            refusal("writer", "VALIDATION_ERROR", blockId="t"),  # another refers to it
        ),
        malformed=({"blockId": LEFT_OUT}, {"blockId": None}, {"blockId": ["u"]}),
    ),
    "subblock:update": _edit(
        "subblock:update",
        {"blockId": "u", "subblockId": "template", "value": "x"},
        refused=(
            refusal("writer", "NOT_FOUND", blockId="none"),
            refusal("writer", "VALIDATION_ERROR", value="<none.x>"),
            refusal("writer", "CONFLICT", expectedValue="what it never was"),
        ),
        malformed=(
            {"blockId": LEFT_OUT},
            {"blockId": {}},
            {"subblockId": LEFT_OUT},
            {"subblockId": ""},
            {"subblockId": 3},
            {"value": LEFT_OUT},
            {"value": b"bytes"},
            {"expectedValue": b"bytes"},
        ),
        oversize=(({"subblockId": "s" * 201}, "VALIDATION_ERROR"),),
    ),
    "variable:set": _edit(
        "variable:set",
        {"variableId": "w", "name": "more", "type": "string", "value": "x"},
        answer=frozenset({"variableId"}),
        refused=(refusal("writer", "VALIDATION_ERROR", name=LEFT_OUT),),
        malformed=(
            {"variable": "w"},
            {"variable": ["w"]},
            {"variableId": 3},
            {"variableId": ""},
            {"name": 3},
            {"type": 3},
            {"value": b"bytes"},
        ),
        oversize=(({"variableId": "v" * 201}, "VALIDATION_ERROR"),),
    ),
    "variable:delete": _edit(
        "variable:delete",
        {"variableId": "v"},
        refused=(refusal("writer", "NOT_FOUND", variableId="none"),),
        malformed=({"variableId": LEFT_OUT}, {"variableId": 3}, {"variableId": None}),
    ),
    "workflow:update": _edit(
        "workflow:update",
        {"operation": {"patch": [{"op": "set", "path": ["edges", "e9"], "value": _EDGE}]}},
        refused=(
            refusal(
                "writer",
                "VALIDATION_ERROR",
                operation=LEFT_OUT,
                changes={"edges": [{**_EDGE, "target": "none"}]},
            ),
            refusal(
                "writer",
                "VALIDATION_ERROR",
                operation={"patch": [{"op": "remove", "path": ["edges", "none"]}]},
            ),
        ),
        malformed=(
            {"operation": LEFT_OUT},
            {"operation": 3},
            {"operation": {"patch": []}},
            {"operation": {"patch": [{"op": "move", "path": ["edges", "e1"]}]}},
            {"operation": {"patch": [{"op": "set", "path": ["version"], "value": 9}]}},
            {"operation": {"patch": [{"op": "set", "path": [], "value": 9}]}},
            {"operation": {"patch": [{"op": "set", "path": ["edges", 3], "value": _EDGE}]}},
            {"changes": {"name": "with an operation"}},
            {"operation": LEFT_OUT, "changes": {"version": 9}},
            {"operation": LEFT_OUT, "changes": []},
        ),
        oversize=(
            (
                {"operation": {"patch": [{"op": "remove", "path": ["edges", "e1"]}] * 2_001}},
                "VALIDATION_ERROR",
            ),
            ({"operation": LEFT_OUT, "changes": {"name": _LARGE}}, "VALIDATION_ERROR"),
        ),
    ),
}
