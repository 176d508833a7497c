"""Which plan answers a question without a language model: the one whose requests are nearest.

A question is compared with the typical requests of the tools that are offered and with the
statements of the passages found for it; what is nearer to a passage belongs to the documents.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from copilot.guide import all_sections
from copilot.rules.plans import PLANS, PlanBuilder, first_tool
from copilot.rules.small_talk import SMALL_TALK
from copilot.toolbox import TOOLS
from core.models.embed import Embedder, get_embedder
from core.models.loading import Vectors
from core.titles import title_of
from pipelines.passages import Passage
from pipelines.statements import nearness, statements

MIN_SIMILARITY: Final = 0.48
MIN_SMALL_TALK_SIMILARITY: Final = 0.6


@dataclass(frozen=True)
class Route:
    """The plan builder nearest to a question, by the name of its tool or kind of small talk."""

    name: str
    build: PlanBuilder
    similarity: float


async def find_route(
    question: str, passages: Iterable[Passage], offered: Collection[str]
) -> Route | None:
    """Return the route of a question, None where its documents are to answer."""
    route = await _nearest_route(question)
    is_talk = route.name in SMALL_TALK
    minimum = MIN_SMALL_TALK_SIMILARITY if is_talk else MIN_SIMILARITY
    if route.similarity < minimum or not (is_talk or first_tool(route.name) in offered):
        return None
    if route.similarity <= await _passage_similarity(question, passages):
        return None
    return route


async def _nearest_route(question: str) -> Route:
    embedder = get_embedder()
    names, vectors = await _request_vectors(embedder)
    scores = vectors @ await embedder.embed_query(question)
    best = int(scores.argmax())
    name = names[best]
    return Route(name, PLANS.get(name) or SMALL_TALK[name].build, float(scores[best]))


async def _passage_similarity(question: str, passages: Iterable[Passage]) -> float:
    texts = [
        f"{title_of(passage.document_name)}. {statement.in_context}"
        for passage in passages
        for statement in statements(passage.text)
    ]
    return max(await nearness(question, texts), default=0.0)


_vectors: Final[dict[str, Vectors]] = {}  # of the requests, by the embedding model


async def _request_vectors(embedder: Embedder) -> tuple[Sequence[str], Vectors]:
    pairs = [(name, text) for name, texts in all_requests().items() for text in texts]
    if embedder.model_name not in _vectors:
        _vectors[embedder.model_name] = await embedder.embed_passing([text for _, text in pairs])
    return [name for name, _ in pairs], _vectors[embedder.model_name]


@lru_cache
def all_requests() -> Mapping[str, Sequence[str]]:
    """Return the typical requests of each tool that has a plan, and of small talk."""
    requests = {name: list(TOOLS[name].requests) for name in PLANS}
    requests["explain"] += [section.title for section in all_sections()]
    requests |= {name: list(talk.requests) for name, talk in SMALL_TALK.items()}
    return MappingProxyType(requests)
