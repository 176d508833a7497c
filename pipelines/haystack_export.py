"""Workflows as YAML that Haystack's own ``Pipeline.loads`` reads."""

from __future__ import annotations

from haystack import Pipeline

from pipelines.compile import build_pipeline
from pipelines.graph import Graph
from pipelines.validity import require_valid
from pipelines.workflow import Definition


def export_haystack(definition: Definition) -> str:
    """Return a complete workflow as YAML; raise ``ValidationFailed`` naming a block where not.

    ``Pipeline.loads(yaml, allowed_modules=["pipelines.blocks"])`` reads it where this package is
    installed. Blocks that need the service fail there, by a sentence that says so.
    """
    require_valid(definition, runnable=True)
    graph = Graph(definition)
    return build_pipeline(graph, graph.reached, Pipeline()).dumps()
