"""The answers of the rules: what was done, and what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from copilot.rules.calls import Result

_MOST_LINES: Final = 20
_CHARTS: Final = "Charts are drawn in the mode workspace-explore, for the role write."
_REPORTS: Final = "A report to download is made in the mode workspace-explore, for the role write."
_OPEN: Final = "Ask in the mode workflow-guide, with the workflow open."


def workflows(results: Sequence[Result]) -> str:
    found = _output(results)
    if found is None:
        return _refused(results)
    rows = found["workflows"]
    head = (
        f"I looked through {found['searched']} workflows with `find_workflows`: "
        f"{found['found']} fit."
    )
    lines = [
        f"- **{_plain(row['name'])}** (`{row['id']}`)"
        + (f": {', '.join(_plain(name) for name in row['matches'])}" if row.get("matches") else "")
        for row in rows[:_MOST_LINES]
    ]
    return _joined(head, lines, found["found"])


def templates(results: Sequence[Result]) -> str:
    found = _output(results)
    if found is None:
        return _refused(results)
    rows = found["templates"]
    head = f"Of {found['of']} templates `find_templates` found {len(rows)} that fit."
    lines = [f"- **{row['name']}** ({row['category']}): {row['description']}" for row in rows]
    if not rows:
        lines.append(f"There are templates for: {', '.join(found['categories'])}.")
    else:
        lines.append("\n`POST /api/workflows/import` with the template makes one your own.")
    return _joined(head, lines, len(rows) + 1)


def blocks(results: Sequence[Result]) -> str:
    found = _output(results)
    if found is None:
        return _refused(results)
    rows = found["blocks"]
    head = f"Of {found['of']} kinds of blocks `find_blocks` found {len(rows)}."
    lines = [f"- **{row['name']}** (`{row['type']}`): {row['description']}" for row in rows]
    return _joined(head, lines, len(rows))


def explained(results: Sequence[Result]) -> str:
    found = _output(results)
    if found is None:
        return _refused(results)
    sections = found["sections"]
    if not sections:
        return _joined("The guide (`explain`) has nothing about that.", [], 0)
    lines = [f"## {each['title']}\n{each['text']}\n" for each in sections]
    return _joined("From the guide, by `explain`:\n", lines, len(lines))


def logs(results: Sequence[Result]) -> str:
    stats = _output(results)
    if stats is None:
        return _refused(results)
    head = f"In the last {stats['days']} days `analyze_logs` counted {stats['runs']} runs."
    if not stats["runs"]:
        return _joined(head, [], 0)
    rate = stats["successRate"]
    lines = [
        f"- By status: {_counts(stats['byStatus'])}"
        + (f"; {rate:.0%} of those that ended succeeded" if rate is not None else ""),
        f"- By trigger: {_counts(stats['byTrigger'])}",
        f"- Time: {stats['averageMs']} ms on average, {stats['p95Ms']} ms at the 95th percentile",
        f"- Busiest: {_busiest(stats)}",
        *(f"- Fails: {_failure(each)}" for each in stats["failures"]),
    ]
    return _joined(head, lines, len(lines))


def errors(results: Sequence[Result], *, can_keep: bool = True) -> str:
    report = results[0].output
    if report is None:
        return _refused(results)
    of = f" of blocks that call APIs ({', '.join(report['blockTypes'])})"
    kinds = of if report["blockTypes"] else ""
    head = f"`report_errors` found {report['total']} failures{kinds} in {report['days']} days."
    lines = [f"- {_failure(each)}" for each in report["failures"]]
    return _joined(
        head, lines, len(lines), _made(results[1:], "The report") if can_keep else _REPORTS
    )


def usage(results: Sequence[Result], *, can_draw: bool = True) -> str:
    stats = results[0].output
    if stats is None:
        return _refused(results)
    head = f"`analyze_logs` counted {stats['runs']} runs in the last {stats['days']} days."
    if not stats["runs"]:
        return _joined(f"{head} There is nothing to draw yet.", [], 0)
    lines = [f"- Busiest: {_busiest(stats)}", f"- By trigger: {_counts(stats['byTrigger'])}"]
    return _joined(
        head, lines, len(lines), _made(results[1:], "The charts") if can_draw else _CHARTS
    )


def workflow(results: Sequence[Result]) -> str:
    found = _output(results)
    if found is None:
        return f"{results[0].error} {_OPEN}"
    steps = found["definition"].get("blocks", {})
    edges = found["definition"].get("edges", [])
    lines = []
    for block_id, block in steps.items():
        after = [_plain(steps[e["target"]]["name"]) for e in edges
                 if e["source"] == block_id and e["target"] in steps]  # fmt: skip
        to = f" → {', '.join(after)}" if after else ""
        lines.append(f"- **{_plain(block['name'])}** (`{block['type']}`){to}")
    head = f"**{_plain(found['name'])}**, version {found['version']}, by `read_workflow`:"
    return _joined(head, lines, len(lines))


def checked(results: Sequence[Result]) -> str:
    found = _output(results)
    if found is None:
        return f"{results[0].error} {_OPEN}"
    if found["valid"]:
        return _joined("`check_workflow` found nothing wrong: it could run.", [], 0)
    lines = [f"- {_plain(each['message'])}" for each in found["issues"]]
    return _joined("`check_workflow` found what stands in the way of a run:", lines, len(lines))


def error_table(title: str, report: dict[str, Any]) -> str:
    """Return a report of failures as Markdown."""
    head = (
        f"# {title}\n\n{report['total']} failures.\n\n| count | workflow | block | error | last |"
    )
    rows = [
        f"| {f['count']} | {_cell(f['workflow'])} | {_cell(f['block'])} (`{f['blockType']}`) "
        f"| {_cell(f['code'] or '')}: {_cell(f['message'] or '')} | {f['lastAt']} |"
        for f in report["failures"]
    ]
    return "\n".join([head, "| --- | --- | --- | --- | --- |", *rows]) + "\n"


def _output(results: Sequence[Result]) -> Any:
    return results[0].output


def _refused(results: Sequence[Result]) -> str:
    return str(results[0].error)


def _made(results: Sequence[Result], what: str) -> str:
    failed = next((each for each in results if each.error), None)
    if failed:
        return f"{what} could not be made with `{failed.tool}`: {failed.error}"
    return f"{what} made by `{results[0].tool}` stand beside this answer." if results else ""


def _joined(head: str, lines: Sequence[str], count: int, tail: str = "") -> str:
    shown = [*lines[:_MOST_LINES]]
    if count > _MOST_LINES:
        shown.append(f"- … and {count - _MOST_LINES} more")
    return "\n".join([head, *shown]) + (f"\n\n{tail}" if tail else "")


def _failure(each: dict[str, Any]) -> str:
    said = _plain(each["message"] or each["code"] or "no message")[:300]
    place = f"{_plain(each['workflow'])} / {_plain(each['block'])} (`{each['blockType']}`)"
    return f"{each['count']} × {place}: {said}; last run `{each['lastExecutionId']}`"


def _busiest(stats: dict[str, Any]) -> str:
    return ", ".join(f"{_plain(w['name'])} ({w['runs']})" for w in stats["byWorkflow"][:3])


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(counts.items()))


def _plain(text: Any) -> str:
    """Return a name on one line; its brackets must not read as marks of ours."""
    return " ".join(str(text).split()).replace("[", "(").replace("]", ")")


def _cell(text: Any) -> str:
    return _plain(text).replace("|", "\\|")
