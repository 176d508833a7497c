"""From Dify's references (``{{#node.field#}}``, selectors) to ours (``<block.field>``)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from pipelines.imports.draft import Draft
from pipelines.references import TOKEN
from pipelines.workflow import normalised

# What a kind of node calls an output, and where our block has it; "" stands for any other name.
_FIELDS: Final[Mapping[str, Mapping[str, str]]] = {
    "llm": {"text": "content"},
    "agent": {"text": "content"},
    "code": {"": "result."},
    "template-transform": {"output": "text"},
    "answer": {"answer": "text"},
    "variable-aggregator": {"output": "text"},
    "http-request": {"body": "data", "status_code": "status"},
    "knowledge-retrieval": {"result": "results"},
    "question-classifier": {"class_name": "selectedRoute"},
}
_SYSTEM: Final = {
    "query": "query",
    "files": "files",
    "user_id": "userId",
    "conversation_id": "conversationId",
    "app_id": "appId",
    "workflow_id": "workflowId",
    "workflow_run_id": "executionId",
    "dialogue_count": "dialogueCount",
}
# What reads as a reference of ours and was a plain text there.
_OURS: Final = re.compile(r"<[^\W\d][\w()-]*(?:\.[\w-]+|\[\d{1,6}\])+>")
_STEP: Final = re.compile(r"[\w-]+")
_IN_TEXT: Final = re.compile(rf"\{{\{{#(?P<steps>[^#{{}}]+)#\}}\}}|{TOKEN.pattern}")
_IN_JINJA: Final = re.compile(r"\{\{-?\s*([^{}|]*?)\s*((?:\|[^{}]*?)?)\s*-?\}\}")
_PATH: Final = re.compile(r"([A-Za-z_]\w*)((?:\.\w+|\[\d+\]|\['\w+'\]|\[\"\w+\"\])*)")


@dataclass(frozen=True)
class Nodes:
    """What references need to know of all nodes: their names here, types and containers."""

    names: Mapping[str, str]
    types: Mapping[str, str]
    parents: Mapping[str, str | None]
    secrets: frozenset[str]


@dataclass(frozen=True)
class References:
    """The references of one node."""

    nodes: Nodes
    parent: str | None
    draft: Draft
    name: str

    def token(self, selector: Sequence[object]) -> str:
        """Return our reference for a selector; where there is none, '' and a warning."""
        steps = [str(step) for step in selector]
        found = self._path(steps) if steps else None
        if found is None or not all(_STEP.fullmatch(step) for step in found.split(".")[1:]):
            self.draft.warn(
                f'Block "{self.name}" refers to {".".join(steps)}, which leads nowhere; the '
                "reference is left empty."
            )
            return ""
        return found if found.startswith("{{") else f"<{found}>"

    def argument(self, selector: Sequence[object]) -> str:
        """Return our reference as code takes it: what was a text there is one here."""
        steps, token = [str(step) for step in selector], self.token(selector)
        is_body = self.nodes.types.get(steps[0]) == "http-request" and steps[1:] == ["body"]
        return f'"{token}"' if token and is_body else token

    def text(self, text: object, context: Sequence[object] = ()) -> str:
        """Return a text with Dify's references as ours; ``context`` is what ``context`` means."""

        def fill(match: re.Match[str]) -> str:
            if not match["steps"]:
                return self.draft.literal(match[0])
            steps = match["steps"].strip().split(".")
            return self.token(context) if steps[0] == "context" and context else self._filled(steps)

        return _IN_TEXT.sub(fill, str(text or ""))

    def jinja(self, template: str, variables: Mapping[str, str]) -> str | None:
        """Return a Jinja template as a text of ours; None where it does more than fill in."""
        if "{%" in template or "{#" in template:
            return None

        def fill(match: re.Match[str]) -> str:
            path = _PATH.fullmatch(match[1])
            token = variables.get(path[1], "") if path else ""
            if match[2]:
                self.draft.warn(
                    f'Block "{self.name}": the filter {match[2].lstrip("| ")} is not applied.'
                )
            if not token or path is None:
                self.draft.warn(f'Block "{self.name}": {match[0]} is left empty.')
                return ""
            rest = re.sub(r"\[['\"](\w+)['\"]\]", r".\1", path[2])
            return f"{token[:-1]}{rest}>" if token.endswith(">") else token

        text = _OURS.sub(lambda match: self.draft.literal(match[0]), template)
        return _IN_JINJA.sub(fill, text)

    def _filled(self, steps: list[str]) -> str:
        return "" if steps[0] == "context" else self.token(steps)

    def _path(self, steps: list[str]) -> str | None:
        head, *rest = steps
        if head == "sys" and rest:
            return ".".join(["start", _SYSTEM.get(rest[0], rest[0]), *rest[1:]])
        if head == "env" and rest and rest[0] in self.nodes.secrets:
            return "{{" + rest[0] + "}}"
        if head in ("env", "conversation") and rest:
            return ".".join(["variable", *rest])
        if head == self.parent and rest and rest[0] in ("item", "index"):
            return ".".join(["loop", {"item": "currentItem"}.get(rest[0], rest[0]), *rest[1:]])
        if head not in self.nodes.names or not rest:
            return None
        return self._of_node(head, rest)

    def _of_node(self, node_id: str, rest: list[str]) -> str:
        name, kind = self.nodes.names[node_id], self.nodes.types[node_id]
        if kind == "iteration":
            return f"{normalised(name)}-output.result"
        fields = _FIELDS.get(kind, {})
        first = fields.get(rest[0], fields.get("", "") + rest[0])
        return ".".join([normalised(name), first, *rest[1:]])
