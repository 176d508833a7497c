"""Workflows and their runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nuxa.models import (
    ChatSettings,
    Execution,
    Imported,
    RunResult,
    SentWebhook,
    Started,
    Template,
    Validity,
    Version,
    Workflow,
)
from nuxa.requests import (
    Door,
    Event,
    Json,
    Listing,
    Request,
    Resource,
    Stream,
    keyed,
    listing,
    method,
    streaming,
)


class Workflows(Resource[Door]):
    @listing
    def list(self, *, search: str | None = None, limit: int = 50) -> Listing[Workflow]:
        """Iterate over the workflows, newest first, without their blocks."""
        return Listing("/api/workflows", Workflow, {"search": search, "limit": limit})

    @method
    def create(self, definition: Json, *, idempotency_key: str | None = None) -> Request[Workflow]:
        """Create a workflow from its name and definition."""
        headers = keyed(idempotency_key)
        return Request("POST", "/api/workflows", Workflow, json=definition, headers=headers)

    @method
    def get(self, workflow_id: str) -> Request[Workflow]:
        return Request("GET", f"/api/workflows/{workflow_id}", Workflow)

    @method
    def update(self, workflow_id: str, changes: Json) -> Request[Workflow]:
        return Request("PATCH", f"/api/workflows/{workflow_id}", Workflow, json=changes)

    @method
    def delete(self, workflow_id: str) -> Request[None]:
        return Request("DELETE", f"/api/workflows/{workflow_id}")

    @method
    def duplicate(self, workflow_id: str, *, name: str | None = None) -> Request[Workflow]:
        body = {"name": name} if name else {}
        return Request("POST", f"/api/workflows/{workflow_id}/duplicate", Workflow, json=body)

    @method
    def validate(self, workflow_id: str) -> Request[Validity]:
        """Say whether it could run, and all that stands in its way."""
        path = f"/api/workflows/{workflow_id}/validate"
        return Request("POST", path, Validity, json={}, is_read_only=True)

    @method
    def deploy(self, workflow_id: str, *, version: int | None = None) -> Request[Workflow]:
        """Make it, as it is now or was, the one that keys, webhooks and schedules run."""
        body = {"version": version} if version else {}
        return Request("POST", f"/api/workflows/{workflow_id}/deploy", Workflow, json=body)

    @method
    def withdraw(self, workflow_id: str) -> Request[Workflow]:
        return Request("DELETE", f"/api/workflows/{workflow_id}/deploy", Workflow)

    @method
    def chat(self, workflow_id: str) -> Request[ChatSettings]:
        """Return how it is published as a chat."""
        return Request("GET", f"/api/workflows/{workflow_id}/chat", ChatSettings)

    @method
    def publish_chat(
        self, workflow_id: str, *, greeting: str | None = None, memory_messages: int = 20
    ) -> Request[ChatSettings]:
        """Let whoever reads the workspace talk with what is deployed: ``client.copilot.chat`` with
        its ``workflowId`` and the mode ``workflow-chat``."""
        body = {"greeting": greeting, "memoryMessages": memory_messages}
        return Request("PUT", f"/api/workflows/{workflow_id}/chat", ChatSettings, json=body)

    @method
    def unpublish_chat(self, workflow_id: str) -> Request[None]:
        return Request("DELETE", f"/api/workflows/{workflow_id}/chat")

    @method
    def export(self, workflow_id: str) -> Request[dict[str, Any]]:
        """Return it as a file to import elsewhere."""
        return Request("GET", f"/api/workflows/{workflow_id}/export", dict[str, Any])

    @method
    def export_haystack(self, workflow_id: str, save_to: Path) -> Request[Path]:
        """Save it as YAML for Haystack's ``Pipeline.loads``."""
        return Request("GET", f"/api/workflows/{workflow_id}/haystack", save_to=save_to)

    @method
    def import_file(
        self, file: Path, *, name: str | None = None, model: str | None = None
    ) -> Request[Imported]:
        """Create one from our own export, Sim's or Dify's; ``model`` stands in for theirs."""
        given = {"name": name, "model": model}
        form = {key: value for key, value in given.items() if value}
        return Request("POST", "/api/workflows/import", Imported, file=file, form=form)

    @method
    def import_definition(
        self, definition: Json | str, *, name: str | None = None, model: str | None = None
    ) -> Request[Imported]:
        """Create one from what such a file holds."""
        body = {"definition": definition, "name": name, "model": model}
        return Request("POST", "/api/workflows/import", Imported, json=body)

    @listing
    def blocks(self) -> Listing[dict[str, Any]]:
        """Iterate over the types of blocks with the JSON Schemas of their settings."""
        return Listing("/api/blocks", dict[str, Any])

    @listing
    def templates(self) -> Listing[Template]:
        """Iterate over workflows to begin with; ``import_definition`` takes their ``workflow``."""
        return Listing("/api/templates", Template)

    @listing
    def versions(self, workflow_id: str, *, limit: int = 50) -> Listing[Version]:
        """Iterate over its snapshots, newest first."""
        return Listing(f"/api/workflows/{workflow_id}/versions", Version, {"limit": limit})

    @method
    def take_version(self, workflow_id: str, *, name: str | None = None) -> Request[Version]:
        """Keep it as it is now."""
        body = {"name": name} if name else {}
        return Request("POST", f"/api/workflows/{workflow_id}/versions", Version, json=body)

    @method
    def version(self, workflow_id: str, number: int) -> Request[Version]:
        return Request("GET", f"/api/workflows/{workflow_id}/versions/{number}", Version)

    @method
    def compare(
        self, workflow_id: str, number: int, *, against: int | None = None
    ) -> Request[dict[str, Any]]:
        """Say part by part what leads from a version to the draft, or to another version."""
        query = {"against": against} if against else {}
        path = f"/api/workflows/{workflow_id}/versions/{number}/diff"
        return Request("GET", path, dict[str, Any], query=query)

    @method
    def restore(self, workflow_id: str, number: int) -> Request[Workflow]:
        """Make a version the draft again."""
        path = f"/api/workflows/{workflow_id}/versions/{number}/restore"
        return Request("POST", path, Workflow, json={})

    @method
    def execute(
        self, workflow_id: str, request: Json | None = None, *, run_id: str | None = None
    ) -> Request[RunResult]:
        """Run a workflow and wait for its end: ``execute("wf_1", {"input": {…}})``."""
        return _execution(workflow_id, RunResult, {"input": None, **(request or {})}, run_id)

    @method
    def start(
        self, workflow_id: str, request: Json | None = None, *, run_id: str | None = None
    ) -> Request[Started]:
        """Run a workflow without waiting for it."""
        body = {**(request or {}), "async": True}
        return _execution(workflow_id, Started, body, run_id)

    @streaming
    def stream(
        self, workflow_id: str, request: Json | None = None, *, run_id: str | None = None
    ) -> Stream:
        """Run a workflow and iterate over its events up to its end."""
        body = {**(request or {}), "stream": True}

        def resume(last: Event) -> Request[Any]:
            path = f"/api/workflows/{workflow_id}/executions/{last['executionId']}/stream"
            return Request("GET", path)

        return Stream(_execution(workflow_id, None, body, run_id), resume)

    @listing
    def executions(self, workflow_id: str, *, limit: int = 50) -> Listing[Execution]:
        """Iterate over a workflow's runs, newest first."""
        path = f"/api/workflows/{workflow_id}/executions"
        return Listing(path, Execution, {"limit": limit})

    @method
    def execution(self, workflow_id: str, execution_id: str) -> Request[Execution]:
        return Request("GET", f"/api/workflows/{workflow_id}/executions/{execution_id}", Execution)

    @method
    def cancel(self, workflow_id: str, execution_id: str) -> Request[Execution]:
        path = f"/api/workflows/{workflow_id}/executions/{execution_id}/cancel"
        return Request("POST", path, Execution, json={}, is_read_only=True)  # idempotent

    @method
    def resume(
        self, workflow_id: str, execution_id: str, context_id: str, answer: Any
    ) -> Request[Started]:
        """Answer what a paused run asks (``pause.contexts`` of it), and have it go on."""
        path = f"/api/workflows/{workflow_id}/executions/{execution_id}/resume"
        body = {"contextId": context_id, "input": answer}
        return Request("POST", path, Started, json=body, is_read_only=True)  # idempotent

    @listing
    def webhooks(self, workflow_id: str, execution_id: str) -> Listing[SentWebhook]:
        """Iterate over the webhooks that a run has sent."""
        path = f"/api/workflows/{workflow_id}/executions/{execution_id}/webhooks"
        return Listing(path, SentWebhook, {})

    @streaming
    def follow(self, workflow_id: str, execution_id: str) -> Stream:
        """Iterate over the events of a run that somebody started, from its first."""
        path = f"/api/workflows/{workflow_id}/executions/{execution_id}/stream"
        return Stream(Request("GET", path), lambda _: Request("GET", path))


def _execution(workflow_id: str, answer: Any, body: Json, run_id: str | None) -> Request[Any]:
    headers = {"X-Run-Id": run_id} if run_id else {}
    path = f"/api/workflows/{workflow_id}/execute"
    return Request("POST", path, answer, json=body, headers=headers)
