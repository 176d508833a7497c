"""A chart as data, and the door to the process that draws it."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from typing import Annotated, Any, Final, Literal

from pydantic import Field, StringConstraints, model_validator

from core.errors import TimedOut, UpstreamError
from core.fair_limiter import FairLimiter
from pipelines.tools.base import Params

_SECONDS: Final = 30.0
_AT_ONCE: Final = 2  # processes of some 100 MB each
_slots: Final = FairLimiter(_AT_ONCE)

Label = Annotated[str, StringConstraints(max_length=80)]
Number = Annotated[float, Field(allow_inf_nan=False, ge=-1e15, le=1e15)]
Format = Literal["svg", "png"]


class Series(Params):
    name: Annotated[str, Field(max_length=80, description="Shown in the legend.")] = ""
    values: Annotated[
        list[Number], Field(min_length=1, max_length=500, description="One value a label.")
    ]


class Chart(Params):
    kind: Literal["bar", "line", "pie", "scatter"] = "bar"
    title: Annotated[str, Field(min_length=1, max_length=200)]
    labels: Annotated[
        list[Label], Field(min_length=1, max_length=500, description="Along the axis, in order.")
    ]
    series: Annotated[list[Series], Field(min_length=1, max_length=8)]
    x_title: Annotated[str, Field(max_length=80)] = ""
    y_title: Annotated[str, Field(max_length=80)] = ""

    @model_validator(mode="after")
    def _fits(self) -> Chart:
        if any(len(one.values) != len(self.labels) for one in self.series):
            raise ValueError("give each series one value a label")
        if self.kind == "pie":
            values = self.series[0].values
            if len(self.series) > 1 or min(values) < 0 or not any(values):
                raise ValueError("a pie has one series, of values from 0 on, not all 0")
        return self


async def draw(chart: Chart, kind: Format, workspace_id: str) -> bytes:
    """Return the chart as SVG or PNG.

    matplotlib takes a second and 60 MB to import, and what it draws is not ours: so it works in a
    process of its own, without credentials, that is killed when it takes too long. Raises
    ``TimedOut``, also when no slot became free in time, and ``UpstreamError``.
    """
    told = json.dumps({"format": kind, **chart.model_dump()}).encode()
    async with _slots.slot(workspace_id, _SECONDS):
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "pipelines.charts.draw"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=_environment(),
        )
        try:
            async with asyncio.timeout(_SECONDS):
                drawn, complaint = await process.communicate(told)
        except TimeoutError:
            raise TimedOut(f"Drawing took longer than {_SECONDS:g} s; draw less.") from None
        finally:
            await _end(process)
    if process.returncode != 0:
        last = complaint.decode(errors="replace").strip().rpartition("\n")[2][:200]
        raise UpstreamError(f"The chart could not be drawn: {last}")
    return drawn


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.kill()
        await process.wait()


def _environment() -> dict[str, Any]:
    """Return what the process may know of ours: where modules lie, and nothing secret."""
    kept = ("PATH", "HOME", "LANG", "VIRTUAL_ENV")
    ours = {name: os.environ[name] for name in kept if name in os.environ}
    return {**ours, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "MPLBACKEND": "Agg"}
