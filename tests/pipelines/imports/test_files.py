"""Other people's files: every one is read whole, and runs against a scripted model."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import SecretStr

from core.config import Settings
from core.models import chat
from core.services import Services
from pipelines.blocks.component import BlockFailed
from pipelines.imports import Imported, read
from pipelines.validity import check
from tests.conftest import SHARED_DATA
from tests.pipelines.shapes import play
from tests.stand_ins.openai import KEY, OpenAIStandIn, Reply, openai_stand_in

MODEL = "openai/stand-in"
FILES = sorted(
    path for path in (SHARED_DATA / "workflows").rglob("*") if path.suffix in (".json", ".yml")
)
# What the model says where the file's own code reads its answer; else just "A".
SAYS = {
    "dify_course_demo.yml": '```json\n[{"chapter": 1, "title": "T", "contents": ["x", "y"]}]\n```',
    "春联生成器.yml": '{"banner": "ab", "top": "c", "bottom": "d"}',
    "春联生成器 (“福”到了版本).yml": '{"banner": "ab", "top": "c", "bottom": "d"}',
}
# What these ask of their surroundings, and where a run ends for want of it.
NEEDS = {
    "Dify 运营一条龙.yml": "no secret IMGRENDER_1_KEY",
    "Form表单聊天Demo.yml": "No module named 'requests'",
    "chart_demo.yml": "获取天气数据",  # weather.cma.cn
    "jieba.yml": "No module named 'jieba'",
    "runLLMCode.yml": "no secret file_path",
    "文章仿写-单图_多图自动搭配.yml": "爬虫结果",  # reads what a tool of theirs fetched
    "腾讯云SubtitleInfo.yml": "No module named 'requests'",
}
# The way through these that is taken here asks no model: they wait for a later message.
UNASKED = (
    "完蛋！我被LLM包围了！ .yml",
    "完蛋！我被LLM包围了！（战绩排行版）.yml",
    "小支付-DEMO.yml",
)
each_file = pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
pytestmark = pytest.mark.shared_data


def _read(path: Path) -> Imported:
    return read(path.read_text(encoding="utf-8"), model=MODEL)


@pytest.fixture
async def model(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[OpenAIStandIn]:
    async with openai_stand_in() as stand_in:
        settings = Settings(
            chat_model=MODEL, chat_base_url=stand_in.base_url, chat_api_key=SecretStr(KEY)
        )
        monkeypatch.setattr(chat, "get_settings", lambda: settings)
        yield stand_in


def _script(path: Path) -> Any:
    def say(body: dict[str, Any]) -> Reply:
        asked = (body.get("response_format") or {}).get("json_schema")
        return Reply(_filled(asked["schema"]) if asked else SAYS.get(path.name, "A"))

    return say


def _filled(schema: dict[str, Any]) -> str:
    """Return JSON of a schema's shape."""
    empty: dict[str, Any] = {"string": "x", "number": 1, "integer": 1, "boolean": True, "array": []}

    def fill(part: dict[str, Any]) -> Any:
        if part.get("type") == "object":
            return {name: fill(inner) for name, inner in part.get("properties", {}).items()}
        return empty[part.get("type", "string")]

    return json.dumps(fill(schema))


def test_there_are_as_many_files_as_are_said_to_be() -> None:
    if not FILES:
        pytest.skip(f"no development data at {SHARED_DATA}")
    assert len(FILES) == 29
    assert len(FILES) - len(NEEDS) >= 20


@each_file
def test_nothing_of_it_is_dropped_in_silence(path: Path) -> None:
    given = yaml.safe_load(path.read_text(encoding="utf-8"))
    found = _read(path)
    told = "\n".join(found.warnings)
    graph = given["workflow"]["graph"] if "workflow" in given else given["state"]
    nodes = graph.get("nodes") or list(graph["blocks"].values())
    for node in nodes:
        if node.get("data", {}).get("type") == "iteration-start":
            continue
        block = found.definition.blocks[str(node["id"])]
        if not block.enabled:
            assert f'"{block.name}"' in told
            assert block.data is not None
            assert (block.data.model_extra or {})["imported"]["from"] in ("sim", "dify")
    kept = {(edge.source.removesuffix("-output"), edge.target) for edge in found.definition.edges}
    for edge in graph["edges"]:
        is_entry = (
            edge["source"].endswith("start") and edge["source"] not in found.definition.blocks
        )
        assert is_entry or (edge["source"], edge["target"]) in kept, edge


@each_file
def test_it_could_run(path: Path) -> None:
    assert check(_read(path).definition, runnable=True) == []


@each_file
async def test_it_runs_to_its_end(path: Path, model: OpenAIStandIn, services: Services) -> None:
    model.script = _script(path)
    definition = _read(path).definition
    given = {"query": "q", "conversationId": "c", "emails": ["ada@example.com"]}
    if path.name in NEEDS:
        with pytest.raises(BlockFailed, match=NEEDS[path.name]):
            await play(definition, given, services=services)
        return
    played = await play(definition, given, services=services)
    assert played.result is not None
    assert "error" not in played.statuses.values()
    assert bool(model.requests) == (path.name not in UNASKED)


async def test_an_iteration_gives_its_output_item_by_item(
    model: OpenAIStandIn, services: Services
) -> None:
    path = next((path for path in FILES if path.name == "dify_course_demo.yml"), None)
    if path is None:
        pytest.skip(f"no development data at {SHARED_DATA}")
    model.script = _script(path)
    played = await play(_read(path).definition, {"query": "q"}, services=services)
    assert played.result is not None
    output: Any = played.result.output
    listed = output["data"]["course"]
    assert [item["info"]["subtitle"] for item in listed] == ["x", "y"]
    assert {item["course"] for item in listed} == {SAYS[path.name]}
