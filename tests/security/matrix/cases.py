"""Requests with somebody else's ids in them, one for each place of the description that takes one.

An id that no rule here knows fails the test that makes the cases: whoever adds it says whose it is.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from tests.api.conforms import document

# Names of path variables and fields, and the kind of row each is the id of.
KINDS: Final = {
    "actorId": "user_id",
    "agentId": "agent_id",
    "artifact": "artifact_id",
    "baseId": "base_id",
    "chatId": "chat_id",
    "contextId": "context_id",
    "checkpointId": "checkpoint_id",
    "chunkId": "chunk_id",
    "chunkIds": "chunk_id",
    "deliveryId": "delivery_id",
    "defaultWorkspaceId": "workspace_id",
    "documentId": "document_id",
    "eventDeliveryId": "event_delivery_id",
    "executionId": "execution_id",
    "fileId": "file_id",
    "fileIds": "file_id",
    "fromExecutionId": "execution_id",
    "grantId": "grant_id",
    "invitationId": "invitation_id",
    "keyId": "key_id",
    "knowledgeBaseIds": "base_id",
    "messageId": "message_id",
    "passkeyId": "passkey_id",
    "sessionId": "session_id",
    "sourceId": "source_id",
    "subscriptionId": "subscription_id",
    "userId": "user_id",
    "voiceSessionId": "voice_session_id",
    "workflowId": "workflow_id",
    "workspaceId": "workspace_id",
}
# Not the id of a row: chosen by the caller, or of a part of the workflow that is named in the path.
NOBODYS: Final = frozenset(
    # The last event's number is no row's either.
    {
        "Last-Event-ID",
        "blockId",
        "clientId",
        "startBlockId",
        "stopAfterBlockId",
        "challengeId",
        "threadId",
        "toolCallId",
        "userMessageId",
        "voiceId",
        "X-Run-Id",
    }
)
# What stands beside an id in an object of a list; one of these names of what kind it is.
BESIDE: Final[dict[str, list[tuple[str, dict[str, Any]]]]] = {
    "contexts.id": [
        (f"{row}_id", {"kind": kind})
        for kind, row in (
            ("knowledge", "base"),
            ("workflow", "workflow"),
            ("execution", "execution"),
            ("file", "file"),
        )
    ],
    "attachments.fileId": [("file_id", {})],
    "decisions.messageId": [("message_id", {"toolCallId": "c1", "decision": "skip"})],
}
# Path variables that are no ids.
NAMES: Final = {
    "name": "SECRET",
    "number": "1",
    "provider": "openai",
    "toolName": "knowledge_search",
}
# What else a request must have before it looks at its ids.
GIVEN: Final[dict[str, dict[str, Any]]] = {
    "askCopilot": {"message": "x"},
    "streamCopilot": {"message": "x"},
    "executeCopilotTool": {"name": "find_workflows", "arguments": {}},
    "updateWorkspace": {"name": "mine"},
    "putSchedule": {"cron": "0 0 * * *"},
    "putMailTrigger": {"host": "imap.example.com", "username": "a", "passwordSecret": "A"},
    "putWebhook": {"auth": "none"},
    "putSecret": {"value": "mine"},
    "addChunk": {"content": "mine"},
    "splitChunk": {"offset": 1},
    "mergeChunks": {"chunkIds": ["mine"]},
    "searchBases": {"query": "mine"},
    "searchByBody": {"query": "mine"},
    "searchByQuery": {"query": "mine"},
    "addDocument": {"text": "mine", "name": "mine.txt"},
    "replaceDocument": {"text": "mine", "name": "mine.txt"},
    "sendGmail": {"to": ["a@example.com"]},
    "sendSlackMessage": {"channel": "c", "text": "t"},
    "completeWithOpenai": {"model": "m", "prompt": "p"},
    "completeChat": {
        "model": "nuxa/extractive",
        "messages": [{"role": "user", "content": "x"}],
    },
    "createEmbeddings": {"model": "all-MiniLM-L6-v2", "input": "x"},
    "resumeExecution": {"contextId": "ctx_x", "input": {}},
    "createKey": {"name": "k"},
    "createBase": {"name": "b"},
    "createWorkflow": {"name": "w"},
    "createWorkspace": {"name": "w"},
    "createVoiceSession": {"channel": "web"},
    "createAgent": {"name": "a"},
    "createToolSource": {"name": "mine", "kind": "openapi", "document": "{}"},
    "rateAnswer": {"rating": "up"},
    "speakMcp": {"jsonrpc": "2.0", "id": 1, "method": "tools/list"},
    "steerCopilot": {"message": "x"},
    "createArtifact": {"type": "code", "title": "x"},
    "createSubscription": {"url": "https://example.com/", "events": ["document.failed"]},
    "addMember": {"role": "read"},
    "createInvitation": {"role": "read"},
    "changeRole": {"role": "read"},
}
# Where an id goes with something, or stands for something else.
WITH: Final[dict[tuple[str, str | None], dict[str, Any] | None]] = {
    ("addDocument", "file_id"): None,  # instead of a text
    ("replaceDocument", "file_id"): None,
    ("askCopilot", "agent_id"): {"mode": "agent"},
    ("streamCopilot", "agent_id"): {"mode": "agent"},
    ("askCopilot", "workflow_id"): {"mode": "workflow-guide"},
    ("streamCopilot", "workflow_id"): {"mode": "workflow-guide"},
}


@dataclass(frozen=True)
class Place:
    """Where a request takes an id: ``path``, ``query`` or ``body``."""

    where: str
    name: str
    kind: str | None
    is_list: bool = False
    beside: str = ""  # JSON of the object it stands in, where that is one of a list

    def value(self, row_id: str) -> Any:
        if "." in self.name:
            return [{**json.loads(self.beside), self.name.split(".")[1]: row_id}]
        return [row_id] if self.is_list else row_id


@dataclass
class Case:
    """One request; ``foreign`` names the places that hold the other tenant's ids."""

    method: str
    path: str
    operation: dict[str, Any]
    foreign: frozenset[Place]
    query: dict[str, Any] = field(default_factory=dict)
    body: dict[str, Any] | None = None

    @property
    def name(self) -> str:
        places = ", ".join(sorted(f"{place.where} {place.name}" for place in self.foreign))
        return f"{self.method} {self.operation['operationId']} [{places}]"


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield method, path and operation of every route that is not public."""
    for path, methods in document()["paths"].items():
        for method, operation in methods.items():
            if operation["x-nuxa-access"] != "public":
                yield method.upper(), path, operation


def places_of(operation: dict[str, Any]) -> list[Place]:
    """Return every place of an operation that takes an id."""
    found = [
        Place(parameter["in"], parameter["name"], KINDS.get(parameter["name"]))
        for parameter in operation["parameters"]
        if parameter["in"] == "path" or _is_id(parameter["name"])
    ]
    content = operation.get("requestBody", {}).get("content", {})
    schema = _resolved(content.get("application/json", {}).get("schema", {}))
    fields = schema["anyOf"][0] if "anyOf" in schema else schema
    for name, value in fields.get("properties", {}).items():
        found.extend(_in_body(name, value))
    return [place for place in found if place.name not in NAMES]


def _in_body(name: str, value: dict[str, Any]) -> Iterator[Place]:
    if _is_id(name):
        yield Place("body", name, KINDS.get(name), "array" in json.dumps(value))
    for inner in _resolved(value.get("items", {})).get("properties", {}):
        nested = f"{name}.{inner}"
        for kind, beside in BESIDE.get(nested, [(None, {})]):
            if _is_id(inner) or inner == "id":
                yield Place("body", nested, kind, True, json.dumps(beside))


def _is_id(name: str) -> bool:
    return name.endswith(("Id", "Ids")) and name not in NOBODYS


def cases(mine: dict[str, str], theirs: dict[str, str]) -> Iterator[Case]:
    """Yield, for each operation, every mix of the two tenants' ids in its path that has one of
    theirs, and each of its other places with one of theirs, in an otherwise good request."""
    for method, path, operation in operations():
        places = places_of(operation)
        unknown = [place for place in places if place.kind is None]
        assert not unknown, f"{operation['operationId']}: say in KINDS or NOBODYS what {unknown} is"
        in_path = [place for place in places if place.where == "path"]
        for size in range(1, len(in_path) + 1):
            for chosen in itertools.combinations(in_path, size):
                yield _case(method, path, operation, frozenset(chosen), in_path, mine, theirs)
        for place in places:
            if place.where != "path":
                yield _case(method, path, operation, frozenset({place}), in_path, mine, theirs)


def _case(
    method: str,
    path: str,
    operation: dict[str, Any],
    foreign: frozenset[Place],
    in_path: list[Place],
    mine: dict[str, str],
    theirs: dict[str, str],
) -> Case:
    for place in in_path:
        rows = theirs if place in foreign else mine
        path = path.replace(f"{{{place.name}}}", rows[str(place.kind)])
    for name, value in NAMES.items():
        path = path.replace(f"{{{name}}}", value)
    operation_id = operation["operationId"].removeprefix("v1")
    operation_id = operation_id[0].lower() + operation_id[1:]
    given = dict(GIVEN.get(operation_id, {}))
    case = Case(method, path, operation, foreign)
    for place in foreign:
        if place.where == "path":
            continue
        extra = WITH.get((operation_id, place.kind), {})
        given = {} if extra is None else given | extra
        target = case.query if place.where == "query" else given
        target[place.name.split(".")[0]] = place.value(theirs[str(place.kind)])
    if "requestBody" in operation:
        case.body = given
    elif given:
        case.query |= given
    return case


def _resolved(schema: dict[str, Any]) -> dict[str, Any]:
    name = schema.get("$ref", "").split("/")[-1]
    found: dict[str, Any] = document()["components"]["schemas"][name] if name else schema
    return found
