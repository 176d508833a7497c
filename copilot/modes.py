"""What a chat may do, by its mode: the server decides, whatever the model asks for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from core.errors import ValidationFailed
from pipelines.tools.remote.listed import is_remote

DEFAULT: Final = "workspace-chat"
AGENT: Final = "agent"  # a deployment's: copilot.agents
PUBLISHED: Final = "workflow-chat"


@dataclass(frozen=True)
class Mode:
    """``tools`` by name; ``task`` is what the model is told of it; ``has_remote``: it has all tools
    of the workspace's sources, too."""

    name: str
    needs_workflow: bool
    tools: frozenset[str]
    task: str
    has_remote: bool = False

    def has(self, tool: str) -> bool:
        """Whether the mode has a tool."""
        return tool in self.tools or (self.has_remote and is_remote(tool))


_READING: Final = frozenset(
    "search_knowledge find_blocks find_templates explain find_workflows read_workflow "
    "check_workflow analyze_logs report_errors read_run".split()
)

_MODES: Final = (
    Mode(
        "workspace-chat",
        needs_workflow=False,
        tools=_READING,
        task="Answer quick questions about the workspace: its documents and its workflows.",
    ),
    Mode(
        "workspace-explore",
        needs_workflow=False,
        tools=_READING
        | {"run_code", "run_python", "make_chart", "make_artifact"}
        | {"http_request", "openai_complete", "gmail_send", "slack_message"}
        | {"web_search", "sql_query"},
        task="Analyse the workspace in depth: search as often as needed, compare, and conclude.",
        has_remote=True,
    ),
    Mode(
        "workflow-guide",
        needs_workflow=True,
        tools=_READING,
        task="Explain the user's workflow and suggest improvements. You cannot change it.",
    ),
    Mode(
        "workflow-studio",
        needs_workflow=True,
        tools=_READING | {"edit_workflow", "run_workflow"},
        task="Build and change the user's workflow: read it, look up the blocks you need, edit it "
        "in few steps, check it, and run it when asked.",
    ),
    # Answered by the workflow itself: docs/decisions/0021.
    Mode(PUBLISHED, needs_workflow=True, tools=frozenset(), task=""),
)
_BY_NAME: Final = {mode.name: mode for mode in _MODES}


def find_mode(name: str, workflow_id: str | None) -> Mode:
    """Return a mode; raises ``ValidationFailed`` for one there is not, or without its workflow."""
    mode = _BY_NAME.get(name)
    if mode is None:
        known = ", ".join([*_BY_NAME, AGENT])
        raise ValidationFailed.at("mode", f"There is no mode {name!r} here; use one of {known}.")
    if mode.needs_workflow and workflow_id is None:
        raise ValidationFailed.at(
            "workflowId", f"The mode {name} is about a workflow: give its workflowId."
        )
    return mode


def all_modes() -> tuple[Mode, ...]:
    """Return every mode."""
    return _MODES
