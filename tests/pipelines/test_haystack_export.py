"""Exported YAML loads, and runs, with Haystack alone in a process that has no service."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

from pipelines.haystack_export import export_haystack
from pipelines.imports import read_value
from pipelines.templates import all_templates

_PROGRAM = """
import asyncio, json, sys
from haystack import Pipeline
results = {}
for name, (text, given) in json.load(sys.stdin).items():
    pipeline = Pipeline.loads(text, allowed_modules=["pipelines.blocks"])
    asked = {next(n for n, each in pipeline.walk() if each.is_entry): {"input": given}}
    try:
        results[name] = pipeline.run(asked)
        assert asyncio.run(pipeline.run_async(asked)).keys() == results[name].keys()
    except Exception as error:
        results[name] = repr(error.__cause__)
print(json.dumps(results, default=str))
"""
_NEED_THE_SERVICE = {
    "answer-from-documents",
    "catch-a-failure",
    "check-a-webhook",
    "for-each-item",
    "read-a-table",
    "reply-to-email",
    "save-a-note",
    "search-two-ways",
    "side-by-side",
    "until-it-is-enough",
}


def _run_outside() -> dict[str, Any]:
    exported = {
        template.id: (
            export_haystack(read_value(template.workflow).definition),
            template.sample_input,
        )
        for template in all_templates()
    }
    ended = subprocess.run(
        [sys.executable, "-c", _PROGRAM],
        input=json.dumps(exported),
        capture_output=True,
        text=True,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    results: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    return results


def test_export_of_each_template_loads_and_runs_outside_the_service() -> None:
    results, by_id = _run_outside(), {each.id: each for each in all_templates()}
    assert len(results) == 16
    failed = {name for name, result in results.items() if isinstance(result, str)}
    assert failed <= _NEED_THE_SERVICE
    assert all("needs the service" in results[name] for name in failed)
    assert results["sort-email"]["start"] == {"input": by_id["sort-email"].sample_input}
    texts = json.dumps(results)
    assert "on-call: answer within 1 h" in texts
    assert "Folder Invoices: Invoice 7" in texts
    assert "Publish: Short and clear." in texts
