"""The events of who is there and where they point."""

from __future__ import annotations

from typing import Any, Final

from tests.api.events.case import LEFT_OUT, Case, refusal

_OVERSIZE: Final = (({"workflowId": "w" * 101}, "VALIDATION_ERROR"),)
_JOINED: Final = (("workflow:join", {"workflowId": "$workflow"}),)


def _join(*answer: str) -> Case:
    return Case(
        sent={"workflowId": "$workflow"},
        answer=frozenset(answer),
        refused=(
            refusal("outsider", "NOT_FOUND"),
            refusal("outsider", "NOT_FOUND", workspaceId="$workspace"),
            refusal("narrow", "FORBIDDEN"),
            refusal("ended", "UNAUTHORIZED"),
            refusal("writer", "NOT_FOUND", workflowId="wf_none"),
        ),
        malformed=({"workspaceId": 3}, {"users": []}),
        oversize=_OVERSIZE,
        others=frozenset({"user:join"}),
    )


def _leave() -> Case:
    return Case(
        sent={"workflowId": "$workflow"},
        answer=frozenset(),
        refused=(
            refusal("apart", "CONFLICT"),
            refusal("outsider", "CONFLICT"),
            refusal("writer", "CONFLICT", workflowId="wf_none"),
        ),
        malformed=({"reason": "denied"},),
        oversize=_OVERSIZE,
        first=_JOINED,
        others=frozenset({"user:leave"}),
    )


_ODD_POINTERS: Final[tuple[dict[str, Any], ...]] = (
    {"cursor": {"x": "a", "y": 1}},
    {"cursor": {"x": 1}},
    {"cursor": {"x": float("inf"), "y": 1}},
    {"cursor": {"x": 1, "y": 1, "z": 1}},
    {"cursor": [1, 2]},
    {"selection": {"type": "x"}},
    {"selection": {"type": LEFT_OUT}},
    {"selection": {"type": "block", "id": 3}},
    {"selection": "t"},
    {"workspaceId": 3},
)

PRESENCE: Final = {
    "workflow:join": _join("workflow", "version", "users"),
    "user:join": _join("version", "users"),
    "workflow:leave": _leave(),
    "user:leave": _leave(),
    "cursor:move": Case(
        sent={
            "workflowId": "$workflow",
            "cursor": {"x": 1, "y": 2},
            "selection": {"type": "block", "id": "t"},
            "workspaceId": "$workspace",
        },
        answer=frozenset(),
        refused=(
            refusal("apart", "CONFLICT"),
            refusal("outsider", "CONFLICT"),
            refusal("writer", "CONFLICT", workflowId="wf_none"),
        ),
        malformed=_ODD_POINTERS,
        oversize=(
            *_OVERSIZE,
            ({"selection": {"type": "block", "id": "i" * 301}}, "VALIDATION_ERROR"),
        ),
        first=_JOINED,
        others=frozenset({"cursor:move"}),
    ),
}
