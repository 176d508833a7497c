"""The event of CRDT clients."""

from __future__ import annotations

from typing import Final

from pycrdt import Doc, Map, create_sync_message, create_update_message

from pipelines.editing.protocol import Awareness, awareness_message
from pipelines.editing.updates import LARGEST
from tests.api.events.case import LEFT_OUT, Case, refusal


def _written(size: int) -> bytes:
    """Return an update that sets a variable, with a value of some characters."""
    document: Doc[Map] = Doc()
    variable = {"id": "w", "name": "more", "type": "string", "value": "x" * size}
    document.get("variables", type=Map)["w"] = variable
    return create_update_message(document.get_update())


_STEP_1: Final = create_sync_message(Doc())
_ODD: Final = (
    *(b"", b"\x00", b"\x02", b"\x00\x05\x00", b"\x00\x02\x01", b"\x00\x02\x03abc"),
    *(b"\x00\x02\x02\x01\x01", b"\x01\x01\xff", b"\x00\x00\x01\xff", b"\xff" * 40),
    awareness_message([Awareness(7, 1, "{")]),
    _written(1)[:-1],
)

SHARING: Final = {
    "yjs:update": Case(
        sent={"workflowId": "$workflow", "update": _written(1)},
        answer=frozenset({"version"}),
        refused=(
            refusal("reader", "FORBIDDEN"),
            refusal("apart", "CONFLICT"),
            refusal("apart", "CONFLICT", update=_STEP_1),
            refusal("outsider", "CONFLICT"),
            refusal("outsider", "NOT_FOUND", workspaceId="$workspace"),
            refusal("narrow", "FORBIDDEN"),
            refusal("ended", "UNAUTHORIZED"),
            refusal("writer", "CONFLICT", workflowId="wf_none"),
        ),
        malformed=(
            {"update": LEFT_OUT},
            {"update": None},
            {"update": "text"},
            {"update": [0, 0, 1]},
            *({"update": odd} for odd in _ODD),
        ),
        oversize=(
            ({"update": _written(LARGEST)}, "PAYLOAD_TOO_LARGE"),
            ({"workflowId": "w" * 101}, "VALIDATION_ERROR"),
        ),
        first=(
            ("workflow:join", {"workflowId": "$workflow"}),
            ("yjs:update", {"workflowId": "$workflow", "update": _STEP_1}),
        ),
        settled=frozenset({"yjs:update"}),
        others=frozenset({"yjs:update", "workflow:update"}),
    )
}
