"""``function``: runs JavaScript or Python in the sandbox."""

from __future__ import annotations

import re
from typing import ClassVar

from haystack import component
from pydantic import Field, JsonValue
from typing_extensions import override

from core.sandbox.limits import DEFAULT_TIMEOUT_MS, MAX_TIMEOUT_MS, Language
from pipelines.blocks.base import BlockSettings, Context, Output, Text
from pipelines.blocks.component import BlockComponent
from pipelines.code_files import FileIds, keep_files, load_files
from pipelines.references import TOKEN, Reference, Scope, Secret, as_text, token_of, value_of

# A reference, with its quotes where it is all that they hold; not in f"…" and the like.
_IN_CODE = re.compile(rf"(?P<quote>(?<!\w)[\"'])?(?:{TOKEN.pattern})(?(quote)(?P=quote))")
_LONGEST_NAME = 80


class FunctionSettings(BlockSettings):
    language: Language = "javascript"
    code: Text = Field(min_length=1)
    timeout_ms: int = Field(DEFAULT_TIMEOUT_MS, ge=1, le=MAX_TIMEOUT_MS)
    files: FileIds = Field(
        default_factory=list,
        description="Ids of files that Python code opens by name; it may write to outputs/.",
    )


@component
class Function(BlockComponent[FunctionSettings]):
    """Values never become part of the program: each reference in the code names a variable."""

    type_name = "function"
    title = "Function"
    description = (
        "Runs JavaScript (the body of an async function: return the result) or Python (return it, "
        "define main, set result, or end with an expression), without network. Python may import "
        "numpy, pandas, matplotlib and scipy, open the files given, and write files to outputs/. "
        "Write references in the code where a variable would stand, not inside longer texts."
    )
    outputs: ClassVar = {"result": "any", "stdout": "string", "files": "array"}
    raw = frozenset({"code"})
    settings = FunctionSettings

    @override
    async def execute(self, context: Context, settings: FunctionSettings) -> Output:
        code, variables = bind(settings.code, context.scope)
        files = await load_files(context.services, context.workspace_id, settings.files)
        outcome = await context.services.sandbox.run(
            code,
            settings.language,
            variables,
            settings.timeout_ms,
            workspace_id=context.workspace_id,
            files=files,
        )
        context.budget.add_file_bytes(sum(len(file.content) for file in outcome.files))
        kept = await keep_files(context.services, context.workspace_id, outcome.files)
        return {"result": outcome.result, "stdout": outcome.stdout, "files": kept}


def bind(code: str, scope: Scope) -> tuple[str, dict[str, JsonValue]]:
    """Return ``code`` with the name of a variable for each reference, and the variables.

    ``<agent.content>`` becomes ``ref_agent_content`` and ``{{KEY}}`` ``secret_KEY``. A reference
    alone in quotes, as in ``"<agent.content>"``, becomes a variable with its value as text.
    """
    names: dict[tuple[Reference | Secret, bool], str] = {}
    variables: dict[str, JsonValue] = {}

    def name(match: re.Match[str]) -> str:
        token, is_text = token_of(match), match["quote"] is not None
        if (token, is_text) not in names:
            chosen = _free_name(token, is_text, code, variables)
            value = value_of(token, scope)
            variables[chosen] = as_text(value) if is_text else value
            names[token, is_text] = chosen
        return names[token, is_text]

    return _IN_CODE.sub(name, code), variables


def _free_name(
    token: Reference | Secret, is_text: bool, code: str, taken: dict[str, JsonValue]
) -> str:
    if isinstance(token, Secret):
        readable = f"secret_{token.name}"
    else:
        readable = "_".join(("ref", token.name, *token.path))
    readable = re.sub(r"\W", "_", readable)[:_LONGEST_NAME] + ("_text" if is_text else "")
    name, number = readable, 2
    while name in taken or name in code:
        name, number = f"{readable}_{number}", number + 1
    return name
