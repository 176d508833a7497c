"""Any valid graph compiles and runs each reached block once, in the order of its edges."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from core.errors import ValidationFailed
from pipelines.compile import compile_level
from pipelines.graph import Graph
from pipelines.validity import check, require_valid
from pipelines.workflow import parse
from tests.pipelines.shapes import block, definition, loop, parallel, play


@st.composite
def graphs(draw: st.DrawFn) -> dict[str, Any]:
    """Random acyclic workflows of templates and conditions, some blocks disabled."""
    count = draw(st.integers(1, 10))
    blocks, edges = [], []
    for number in range(count):
        name = f"n{number}"
        off = {"_enabled": draw(st.integers(0, 5)) != 0}
        if draw(st.booleans()):
            blocks.append(block(name, **off))
        else:
            value = draw(st.sampled_from(["true", "false", "<start.n> > 5"]))
            cases = [{"id": "yes", "title": "yes", "value": value}]
            blocks.append(block(name, "condition", conditions=cases, **off))
    for target in range(count):
        for source in draw(st.sets(st.integers(-1, target - 1), max_size=3)):
            if source == -1:
                edges.append(f"s>n{target}")
                continue
            handles = (
                ["", ":error"]
                if blocks[source]["type"] == "template"
                else [":condition-yes", ":condition-else", ":error"]
            )
            edges.append(f"n{source}{draw(st.sampled_from(handles))}>n{target}")
    return definition(blocks, " ".join(edges))


@given(raw=graphs(), n=st.integers(0, 10))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
async def test_each_reached_block_ends_once_in_edge_order(raw: dict[str, Any], n: int) -> None:
    played = await play(raw, {"n": n})
    ended = [record.block_id for record in played.journal.records]
    assert sorted(ended) == sorted(Graph(parse(raw)).reached)
    for edge in raw["edges"]:
        if edge["source"] in ended and edge["target"] in ended:
            assert ended.index(edge["source"]) < ended.index(edge["target"])


@given(raw=graphs(), n=st.integers(0, 10))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
async def test_a_block_runs_exactly_when_an_edge_into_it_is_taken(
    raw: dict[str, Any], n: int
) -> None:
    played = await play(raw, {"n": n})
    statuses, outputs = played.statuses, played.outputs

    def is_taken(edge: dict[str, Any]) -> bool:
        source, handle = edge["source"], edge.get("sourceHandle", "source")
        if statuses.get(source) == "success":
            output: Any = outputs[source]
            path = output.get("selectedPath") if isinstance(output, dict) else None
            return bool(handle == (path["handle"] if path else "source"))
        is_off = not raw["blocks"][source].get("enabled", True)
        return is_off and source in passed and handle == "source"

    passed: set[str] = set()
    for block_id in Graph(parse(raw)).order(statuses):
        into = [edge for edge in raw["edges"] if edge["target"] == block_id]
        reached = block_id == "s" or any(is_taken(edge) for edge in into)
        if reached:
            passed.add(block_id)
        enabled = raw["blocks"][block_id].get("enabled", True)
        assert statuses[block_id] == ("success" if reached and enabled else "skipped")


def _boxed(raw: dict[str, Any], kind: str) -> dict[str, Any]:
    """Put all but the start into a container that runs twice, joined by its start handle."""
    inside = " ".join(name for name in raw["blocks"] if name != "s")
    settings = {"iterations": 2} if kind == "loop" else {"count": 2}
    entry = (loop if kind == "loop" else parallel)("box", inside, **settings)
    for edge in raw["edges"]:
        if edge["source"] == "s":
            edge |= {"source": "box", "sourceHandle": f"{kind}-start-source"}
    raw["edges"].append({"id": "in", "source": "s", "target": "box"})
    raw["blocks"]["box"] = block("box", kind)
    return {**raw, f"{kind}s": entry}


@given(raw=graphs(), kind=st.sampled_from(["loop", "parallel"]), n=st.integers(0, 10))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
async def test_inside_a_container_each_iteration_does_the_same(
    raw: dict[str, Any], kind: str, n: int
) -> None:
    boxed = parse(_boxed(raw, kind))
    assume(any(edge.source == "box" for edge in boxed.edges))
    assume(not check(boxed, runnable=True))  # a box of disabled blocks alone
    played = await play(boxed, {"n": n})
    inside = Graph(boxed, "box")
    for iteration in ("0", "1"):
        ended = [r.block_id for r in played.journal.records if r.iteration == iteration]
        assert sorted(ended) == sorted(inside.reached)
        for edge in inside.edges:
            if edge.source in ended and edge.target in ended:
                assert ended.index(edge.source) < ended.index(edge.target)


@given(raw=graphs(), data=st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_broken_graph_is_refused_by_a_sentence_that_names_the_block(
    raw: dict[str, Any], data: st.DataObject
) -> None:
    victim = data.draw(st.sampled_from([i for i in raw["blocks"] if i != "s"]))
    breakage = data.draw(st.sampled_from(["type", "edge", "cycle", "name", "handle", "reference"]))
    target = raw["blocks"][victim]
    named = victim
    if breakage == "type":
        target["type"] = "unheard-of"
    elif breakage == "edge":
        raw["edges"].append({"id": "x", "source": victim, "target": "nowhere"})
    elif breakage == "cycle":
        handle = "source" if target["type"] == "template" else "condition-else"
        raw["edges"].append({"id": "x", "source": victim, "target": victim, "sourceHandle": handle})
    elif breakage == "name":
        raw["blocks"]["twin"] = {**block("twin"), "name": victim.upper()}
        named = victim
    elif breakage == "handle":
        raw["edges"].append(
            {"id": "x", "source": "s", "target": victim, "sourceHandle": "condition-q"}
        )
        named = "s"
    else:
        target["subBlocks"]["extra"] = {"id": "extra", "type": "x", "value": "<nobody.x>"}
    with pytest.raises(ValidationFailed) as caught:
        require_valid(parse(raw), runnable=False)
    assert f'"{named}"' in caught.value.message


async def test_runs_of_one_graph_share_a_pipeline_and_nothing_else() -> None:
    raw = definition(
        [block("a", template="<start.n>"), block("b", template="<a.text>!")], "s>a a>b"
    )
    graph = Graph(parse(raw))
    assert compile_level(graph, graph.reached) is compile_level(graph, graph.reached)
    runs = await asyncio.gather(*(play(raw, {"n": n}, graph=graph) for n in range(30)))
    assert [run.outputs["b"] for run in runs] == [f"{n}!" for n in range(30)]
