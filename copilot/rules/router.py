"""Which plan answers a question without a language model: the one whose requests are nearest.

A question is compared with typical requests for each tool, which are in ``requests/``, and with the
statements of the passages found for it; what is nearer to a passage belongs to the documents.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from types import MappingProxyType
from typing import Final

from copilot.guide import all_sections
from copilot.rules.plans import PLANS, PlanBuilder, first_tool
from copilot.rules.small_talk import SMALL_TALK
from core.models.embed import Embedder, get_embedder
from core.models.loading import Vectors
from core.text import analyze
from pipelines.passages import Passage
from pipelines.statements import score, statements, word_shares

MIN_SIMILARITY: Final = 0.4
MIN_SMALL_TALK_SIMILARITY: Final = 0.5
_NEAREST_REQUESTS: Final = 2
_MAX_STATEMENTS: Final = 12  # that are compared by their vectors; the most by shared words


@dataclass(frozen=True)
class Route:
    """The plan builder nearest to a question, by the name of its tool or kind of small talk."""

    name: str
    build: PlanBuilder
    similarity: float


@dataclass(frozen=True)
class TypicalRequests:
    """Typical requests, with the name of the plan or small talk that each is for."""

    names: Sequence[str]
    terms: Sequence[frozenset[str]]
    vectors: Vectors


async def find_route(
    question: str, passages: Iterable[Passage], offered: Collection[str]
) -> Route | None:
    """Return the route of a question, None where its documents are to answer."""
    told = [each.in_context for passage in passages for each in statements(passage.text)]
    embedder = get_embedder()
    requests = await _typical_requests(embedder)
    shares = word_shares(
        question, [*requests.terms, *(set(analyze(text, "auto")) for text in told)]
    )
    vector = await embedder.embed_query(question)
    route = _nearest_route(requests, (requests.vectors @ vector).tolist(), shares)
    is_talk = route.name in SMALL_TALK
    minimum = MIN_SMALL_TALK_SIMILARITY if is_talk else MIN_SIMILARITY
    if route.similarity < minimum or not (is_talk or first_tool(route.name) in offered):
        return None
    statement_shares = shares[len(requests.terms) :]
    chosen = sorted(range(len(told)), key=lambda i: -statement_shares[i])[:_MAX_STATEMENTS]
    if chosen:
        cosines = await embedder.embed_passing([told[i] for i in chosen]) @ vector
        pairs = zip(cosines.tolist(), (statement_shares[i] for i in chosen), strict=True)
        if route.similarity <= max(score(cosine, share) for cosine, share in pairs):
            return None
    return route


def _nearest_route(
    requests: TypicalRequests, cosines: Sequence[float], shares: Sequence[float]
) -> Route:
    scores: dict[str, list[float]] = defaultdict(list)
    for name, cosine, share in zip(requests.names, cosines, shares, strict=False):
        scores[name].append(score(cosine, share))
    similarity = {name: _mean_of_nearest(each, name) for name, each in scores.items()}
    name = max(similarity, key=similarity.__getitem__)
    return Route(name, PLANS.get(name) or SMALL_TALK[name].build, similarity[name])


def _mean_of_nearest(scores: Sequence[float], name: str) -> float:
    """Return the mean of the nearest requests; of small talk, which is short, the nearest one."""
    nearest = sorted(scores)[-1 if name in SMALL_TALK else -_NEAREST_REQUESTS :]
    return sum(nearest) / len(nearest)


_embedded: Final[dict[str, TypicalRequests]] = {}  # by the embedding model


async def _typical_requests(embedder: Embedder) -> TypicalRequests:
    if embedder.model_name not in _embedded:
        pairs = [(name, text) for name, texts in all_requests().items() for text in texts]
        _embedded[embedder.model_name] = TypicalRequests(
            [name for name, _ in pairs],
            [frozenset(analyze(text, "auto")) for _, text in pairs],
            await embedder.embed_passing([text for _, text in pairs]),
        )
    return _embedded[embedder.model_name]


@lru_cache
def all_requests() -> Mapping[str, Sequence[str]]:
    """Return typical requests for each tool that has a plan, and of small talk."""
    folder = files("copilot.rules").joinpath("requests")
    requests = {
        name: folder.joinpath(f"{name}.txt").read_text(encoding="utf-8").splitlines()
        for name in PLANS
    }
    requests["explain"] += [f"How do I use this: {each.title.lower()}?" for each in all_sections()]
    requests |= {name: list(talk.requests) for name, talk in SMALL_TALK.items()}
    return MappingProxyType(requests)


async def load_requests() -> None:
    """Embed the typical requests, so that the first question need not wait for them."""
    await _typical_requests(get_embedder())
