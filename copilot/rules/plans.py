"""What is done for a question without a language model: a plan for each tool that begins one.

A plan's steps are asked for one after the other, each with what the ones before came to.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Final

from pydantic import JsonValue

from copilot.rules import telling
from copilot.rules.calls import Result, Use
from copilot.rules.words import days_in, without, workflow_filter
from core.text import analyze
from pipelines.templates import all_templates

_WEEK: Final = 7
_MONTH: Final = 30
_MOST_BARS: Final = 12


Step = Callable[[Sequence[Result]], list[Use]]


@dataclass(frozen=True)
class Plan:
    """``tell`` writes the answer out of all results; a step may ask for nothing."""

    steps: tuple[Step, ...]
    tell: Callable[[Sequence[Result]], str]

    def next(self, results: Sequence[Result]) -> list[Use]:
        """Return the calls to make after these results, which came in order; none: tell."""
        count = 0
        for step in self.steps:
            uses = step(results[:count])
            if len(results) < count + len(uses):
                return uses
            count += len(uses)
        return []


def _once(tool: str, tell: Callable[[Sequence[Result]], str], **arguments: JsonValue) -> Plan:
    return Plan((lambda _: [Use(tool, arguments)],), tell)


def _charts(question: str, offered: Collection[str]) -> Plan:
    days = days_in(question, _MONTH)

    def draw(results: Sequence[Result]) -> list[Use]:
        stats = results[-1].output
        if not stats or not stats["runs"] or "make_chart" not in offered:
            return []
        by_day, by_workflow = stats["byDay"], stats["byWorkflow"][:_MOST_BARS]
        return [
            _chart("Runs by day", [str(d["day"]) for d in by_day], [d["runs"] for d in by_day]),
            _chart("Runs by workflow", [w["name"] for w in by_workflow],
                   [w["runs"] for w in by_workflow]),
        ]  # fmt: skip

    return Plan(
        (lambda _: [Use("analyze_logs", {"days": days})], draw),
        partial(telling.usage, can_draw="make_chart" in offered),
    )


def _chart(title: str, labels: list[JsonValue], values: list[JsonValue]) -> Use:
    short: list[JsonValue] = [str(label)[:40] for label in labels]
    series: list[JsonValue] = [{"name": "", "values": values}]
    told: dict[str, JsonValue] = {"title": title, "labels": short, "series": series}
    return Use("make_chart", {**told, "kind": "bar", "yTitle": "runs"})


def _errors(question: str, offered: Collection[str]) -> Plan:
    days = days_in(question, _MONTH)
    is_api = bool(re.search(r"\bapis?\b", question, re.IGNORECASE))

    def keep(results: Sequence[Result]) -> list[Use]:
        report = results[-1].output
        if not report or not report["failures"] or "make_artifact" not in offered:
            return []
        title = f"{'API errors' if is_api else 'Errors'} of the last {days} days"
        told: dict[str, JsonValue] = {"type": "markdown", "title": title}
        return [Use("make_artifact", {**told, "content": telling.error_table(title, report)})]

    asked: dict[str, JsonValue] = {"days": days, "apiOnly": is_api}
    return Plan(
        (lambda _: [Use("report_errors", asked)], keep),
        partial(telling.errors, can_keep="make_artifact" in offered),
    )


def _logs(question: str, _: Collection[str]) -> Plan:
    return _once("analyze_logs", telling.logs, days=days_in(question, _WEEK))


def _templates(question: str, _: Collection[str]) -> Plan:
    names = [f"{each.name} {each.category} {each.description}" for each in all_templates()]
    known = set(analyze(" ".join(names), "en")) - set(analyze("template workflow start", "en"))
    wanted = without(question, "what which list any available there are have exist").split()
    text = " ".join(word for word in wanted if set(analyze(word, "en")) & known)
    return _once("find_templates", telling.templates, text=text[:200])


def _workflows(question: str, _: Collection[str]) -> Plan:
    return _once("find_workflows", telling.workflows, **workflow_filter(question))


def _blocks(question: str, _: Collection[str]) -> Plan:
    wanted = without(question, "what which blocks block available there are kinds kind types list")
    return _once("find_blocks", telling.blocks, text=wanted[:200])


def _read(_: str, __: Collection[str]) -> Plan:
    return _once("read_workflow", telling.workflow)


def _check(_: str, __: Collection[str]) -> Plan:
    return _once("check_workflow", telling.checked)


def _explain(question: str, _: Collection[str]) -> Plan:
    return _once("explain", telling.explained, question=question[:1_000])


PlanBuilder = Callable[[str, Collection[str]], Plan]
"""Builds the plan of a question from it and the names of the tools that are offered."""

PLANS: Final[Mapping[str, PlanBuilder]] = MappingProxyType(
    {
        "find_workflows": _workflows,
        "find_templates": _templates,
        "find_blocks": _blocks,
        "explain": _explain,
        "analyze_logs": _logs,
        "report_errors": _errors,
        "make_chart": _charts,
        "read_workflow": _read,
        "check_workflow": _check,
    }
)


def first_tool(name: str) -> str:
    """Return the tool that a plan calls first, by the plan's name."""
    return "analyze_logs" if name == "make_chart" else name
