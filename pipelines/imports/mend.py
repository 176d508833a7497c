"""Brings what was imported to where it can be saved: what makes no sense is set aside, and said."""

from __future__ import annotations

from typing import Any

from core.errors import ValidationFailed
from pipelines.imports.draft import Draft
from pipelines.validity import check
from pipelines.workflow import Definition, parse

_MOST_ROUNDS = 50


def mended(draft: Draft) -> Definition:
    """Return the draft as a definition that can be saved.

    A setting whose reference leads nowhere goes to ``data.imported``, an edge that joins what
    cannot be joined is taken away; each is named in the warnings. Raises ``ValidationFailed`` where
    that is not enough.
    """
    raw = draft.definition()
    for _ in range(_MOST_ROUNDS):
        definition = parse(raw)
        issues = check(definition, runnable=False)
        if not issues:
            return definition
        raw = definition.wire()
        mending = [_mend(draft, raw, issue) for issue in _last_first(issues)]
        if not any(mending):
            break
    raise ValidationFailed(
        f"The file makes no valid workflow: {issues[0]['message']}", {"issues": issues}
    )


def _last_first(issues: list[dict[str, str]]) -> list[dict[str, str]]:
    """Edges are named by their place in the list: the last is taken away first."""
    places = {int(i["path"].split(".")[1]): i for i in issues if i["path"].startswith("edges.")}
    others = [issue for issue in issues if not issue["path"].startswith("edges.")]
    return [*(places[place] for place in sorted(places, reverse=True)), *others]


def _mend(draft: Draft, raw: dict[str, Any], issue: dict[str, str]) -> bool:
    kind, place, *rest = [*issue["path"].split(".", 2), "", ""][:3]
    if kind == "edges":
        raw["edges"].pop(int(place))
        draft.warn(f"An edge is taken away: {issue['message']}")
        return True
    if kind != "blocks" or not rest[0].startswith("subBlocks."):
        return False
    block, key = raw["blocks"][place], rest[0].removeprefix("subBlocks.")
    setting = block["subBlocks"].pop(key, None)
    if setting is None:
        return False
    data = block.setdefault("data", {}) or {}
    told = data.setdefault("imported", {"from": draft.source, "type": block["type"]})
    told.setdefault("settings", {})[key] = setting["value"]
    block["data"] = data
    draft.warn(f"A setting is set aside: {issue['message']}")
    return True
