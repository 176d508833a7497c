"""Stand-ins for two embedding models of different dimensions."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Future

import numpy as np
from numpy.typing import NDArray

from tests.knowledge import DIMENSIONS, embedded

OTHER_DIMENSIONS = 32
Halt = Callable[[], Awaitable[None]]


class Words:
    """The model ``words`` of ``tests.knowledge``, or the half of it as another model."""

    def __init__(self, dimensions: int, halt: Halt) -> None:
        self.dimensions = dimensions
        self._halt = halt
        self.embedded: list[str] = []

    def _vector(self, content: str) -> NDArray[np.float32]:
        half = embedded(content)[: self.dimensions]
        return (half / np.linalg.norm(half)).astype(np.float32)

    async def embed_documents(
        self, texts: Sequence[str], workspace_id: str = ""
    ) -> NDArray[np.float32]:
        await self._halt()
        self.embedded.extend(texts)
        return np.array([self._vector(each) for each in texts])

    async def embed_query(self, content: str, workspace_id: str = "") -> NDArray[np.float32]:
        return self._vector(content)

    is_crowded = False

    def begin_query(self, content: str, workspace_id: str = "") -> Future[NDArray[np.float32]]:
        return Future()


class Models:
    """Both models; ``before`` is awaited before either embeds documents."""

    def __init__(self) -> None:
        self.before: Halt = self._nothing
        self.words = Words(DIMENSIONS, lambda: self.before())
        self.other = Words(OTHER_DIMENSIONS, lambda: self.before())

    async def _nothing(self) -> None:
        pass

    def get(self, name: str | None = None, *, bulk: bool = False) -> Words:
        return {"words": self.words, "other": self.other}[name or ""]
