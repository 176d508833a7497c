"""What a tool makes for its user: results of code, charts, files to keep."""

from __future__ import annotations

from typing import Annotated, Any, Final

from pydantic import Field, JsonValue

from copilot.desk import Desk
from copilot.tools.base import CopilotTool
from core.rights import Role
from core.sandbox.limits import DEFAULT_TIMEOUT_MS, Language
from pipelines.artifacts import ArtifactContent, Type, decoded, keep
from pipelines.charts.chart import Chart, Format, draw
from pipelines.tools.base import Params

_LONGEST_TIMEOUT_MS: Final = 60_000


class Code(Params):
    language: Language = "javascript"
    code: Annotated[
        str,
        Field(
            min_length=1,
            max_length=50_000,
            description="JavaScript: the body of a function, return the result. Python: end with "
            "an expression, or set result.",
        ),
    ]
    inputs: Annotated[
        dict[str, JsonValue], Field(description="Values the code finds under these names.")
    ] = Field(default_factory=dict)
    timeout_ms: Annotated[int, Field(ge=1, le=_LONGEST_TIMEOUT_MS)] = DEFAULT_TIMEOUT_MS


class NewChart(Chart):
    format: Format = "svg"


class NewFile(Params):
    type: Annotated[Type, Field(description="png and pdf take their content in base64.")]
    title: Annotated[str, Field(min_length=1, max_length=200)]
    content: Annotated[str, Field(min_length=1)]


async def run_code(desk: Desk, params: Code) -> JsonValue:
    """Run JavaScript or Python in a sandbox without network or files; returns its result."""
    told = await desk.services.sandbox.run(
        params.code,
        params.language,
        params.inputs,
        params.timeout_ms,
        workspace_id=desk.workspace_id,
    )
    return {"result": told.result, "stdout": told.stdout}


async def make_chart(desk: Desk, params: NewChart) -> JsonValue:
    """Draw a chart of numbers as SVG or PNG and show it to the user."""
    chart = Chart.model_validate(params.model_dump(exclude={"format"}))
    drawn = await draw(chart, params.format, desk.workspace_id)
    return await _show(desk, params.format, params.title, drawn)


async def make_artifact(desk: Desk, params: NewFile) -> JsonValue:
    """Keep a document, image, table or piece of code and show the user a link to download it."""
    return await _show(desk, params.type, params.title, decoded(params.type, params.content))


async def _show(desk: Desk, kind: Type, title: str, data: bytes) -> JsonValue:
    """Keep an artifact for the workspace's members; the link goes to the user, not to the model."""
    new = ArtifactContent(kind, title, data, created_by=desk.user_id)
    kept = await keep(desk.services, desk.workspace_id, new)
    shown: dict[str, Any] = {"token": kept.token, "type": kind, "title": title, "url": kept.url}
    await desk.show(shown)
    return {"artifactId": kept.row.id, "type": kind, "title": title, "bytes": kept.row.size}


RUN_CODE: Final = CopilotTool("run_code", run_code, "copilot", quoting=False)
# They add to the answer and change nothing of the workspace's: no approval is asked.
MAKE_CHART: Final = CopilotTool(
    "make_chart",
    make_chart,
    "artifacts",
    Role.WRITE,
    read_only=False,
    quoting=False,
)
MAKE_ARTIFACT: Final = CopilotTool(
    "make_artifact", make_artifact, "artifacts", Role.WRITE, read_only=False, quoting=False
)
TOOLS: Final = (RUN_CODE, MAKE_CHART, MAKE_ARTIFACT)
