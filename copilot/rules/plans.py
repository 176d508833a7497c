"""Which tools answer a question, by rules: a plan for each kind of question that is known.

A rule is a pattern and the plan it makes; the first that fits is taken. A plan's steps are asked
for one after the other, each with what the ones before came to. What no rule fits is a question
to the documents.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from pydantic import JsonValue

from copilot.rules import telling
from copilot.rules.calls import Result, Use
from copilot.rules.words import days_in, is_about_product, without

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


def plan_for(question: str) -> Plan | None:
    """Return the plan of the first rule that fits."""
    for pattern, make in _RULES:
        found = pattern.search(question)
        if found and (plan := make(question, found)):
            return plan
    return None


def _once(tool: str, tell: Callable[[Sequence[Result]], str], **arguments: JsonValue) -> Plan:
    return Plan((lambda _: [Use(tool, arguments)],), tell)


def _charts(question: str, _: re.Match[str]) -> Plan:
    days = days_in(question, _MONTH)

    def draw(results: Sequence[Result]) -> list[Use]:
        stats = results[-1].output
        if not stats or not stats["runs"]:
            return []
        by_day, by_workflow = stats["byDay"], stats["byWorkflow"][:_MOST_BARS]
        return [
            _chart("Runs by day", [str(d["day"]) for d in by_day], [d["runs"] for d in by_day]),
            _chart("Runs by workflow", [w["name"] for w in by_workflow],
                   [w["runs"] for w in by_workflow]),
        ]  # fmt: skip

    return Plan((lambda _: [Use("analyze_logs", {"days": days})], draw), telling.usage)


def _chart(title: str, labels: list[JsonValue], values: list[JsonValue]) -> Use:
    short: list[JsonValue] = [str(label)[:40] for label in labels]
    series: list[JsonValue] = [{"name": "", "values": values}]
    told: dict[str, JsonValue] = {"title": title, "labels": short, "series": series}
    return Use("make_chart", {**told, "kind": "bar", "yTitle": "runs"})


def _errors(question: str, _: re.Match[str]) -> Plan:
    days = days_in(question, _MONTH)
    is_api = bool(re.search(r"\bapis?\b", question, re.IGNORECASE))

    def keep(results: Sequence[Result]) -> list[Use]:
        report = results[-1].output
        if not report or not report["failures"]:
            return []
        title = f"{'API errors' if is_api else 'Errors'} of the last {days} days"
        told: dict[str, JsonValue] = {"type": "markdown", "title": title}
        return [Use("make_artifact", {**told, "content": telling.error_table(title, report)})]

    asked: dict[str, JsonValue] = {"days": days, "apiOnly": is_api}
    return Plan((lambda _: [Use("report_errors", asked)], keep), telling.errors)


def _logs(question: str, _: re.Match[str]) -> Plan:
    return _once("analyze_logs", telling.logs, days=days_in(question, _WEEK))


def _templates(question: str, _: re.Match[str]) -> Plan:
    wanted = without(question, "what which templates template available there are have exist")
    return _once("find_templates", telling.templates, text=wanted)


def _by_block(_: str, found: re.Match[str]) -> Plan:
    return _once("find_workflows", telling.workflows, block=found["block"].strip(" '\"`"))


def _by_text(_: str, found: re.Match[str]) -> Plan:
    return _once("find_workflows", telling.workflows, text=(found["text"] or "").strip(" '\"`?.!"))


def _blocks(question: str, _: re.Match[str]) -> Plan:
    wanted = without(question, "what which blocks block available there are kinds kind types list")
    return _once("find_blocks", telling.blocks, text=wanted)


def _this(question: str, _: re.Match[str]) -> Plan:
    is_check = bool(re.search(r"\b(check|validate|valid|wrong|why)\b", question, re.IGNORECASE))
    tool = "check_workflow" if is_check else "read_workflow"
    return _once(tool, telling.checked if is_check else telling.workflow)


def _how(question: str, _: re.Match[str]) -> Plan | None:
    if not is_about_product(question):
        return None
    return _once("explain", telling.explained, question=question)


def _rule(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE | re.DOTALL)


# Narrow on purpose: a question to the documents must not be taken for one about the workspace.
_RULES: Final[tuple[tuple[re.Pattern[str], Callable[..., Plan | None]], ...]] = (
    (_rule(r"\b(?:visuali[sz]\w*|(?:create|draw|make|show|plot|generate)\b.*"
           r"\b(?:chart|graph|plot|diagram)s?)\b.*\b(?:workflows?|runs|executions?)\b"), _charts),
    (_rule(r"\b(?:report|list|show|find|generate|summar\w+|what|which|any|all|why)\b.*(?:"
           r"\b(?:api|workflow|block|run|execution|webhook|tool)s?\s+(?:errors?|failures?)\b|"
           r"\b(?:errors|failures)\s+(?:of|in|from)\s+(?:all\s|my\s|the\s)*"
           r"(?:apis?|workflows?|blocks|runs|executions)\b|"
           r"\bfailed\s+(?:workflow\s)?(?:runs|executions|blocks|workflows)\b)"), _errors),
    (_rule(r"\b(?:analy[sz]e|summari[sz]e|review|statistics|overview|show)\b.*(?:"
           r"\b(?:execution|workflow|run)s?\b.{0,20}\blogs?\b|"
           r"\bmy\s+(?:workflow\s+)?(?:logs|executions|runs)\b|"
           r"\bworkflow\s+(?:executions|runs)\b)"), _logs),
    (_rule(r"\b(?:find|list|show|search|what|which|all)\b.{0,40}\bworkflows?\b.{0,20}?"
           r"\b(?:us(?:e|es|ing)|with|contain\w*|ha(?:s|ve|ving))\s+(?:an?\s|the\s|any\s)?"
           r"(?P<block>[\w' -]{1,60}?)\s+(?:blocks?|tools?|steps?)\b"), _by_block),
    (_rule(r"\b(?:what|which|find|list|show|any|are there|search|suggest|recommend)\b.{0,40}"
           r"\btemplates\b"), _templates),
    (_rule(r"\b(?:find|list|show|search|which|all)\b.{0,30}\bworkflows\b"
           r"(?:.{0,10}?\b(?:about|named|called|for|with)\s+(?P<text>.{1,100}))?"), _by_text),
    (_rule(r"\b(?:which|what|list|show|find)\b.{0,20}\bblocks\b(?!.*\bworkflows?\b)"), _blocks),
    (_rule(r"\b(?:check|validate|valid|wrong|why|explain|describe|summari[sz]e|what)\b.{0,30}"
           r"\b(?:this|my|the) workflow\b"), _this),
    (_rule(r"\b(?:how|what|when|where|why|explain|can)\b"), _how),
)  # fmt: skip
