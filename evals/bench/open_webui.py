"""An Open WebUI that is installed on this machine, started on data of its own: what its users have.

Its routes as of 0.12. It gets the packaged embedding model and the stand-in chat model; what a
chat would ask the model beside the answer (a title, tags, a query) is off.
"""

from __future__ import annotations

import asyncio
import json
import os
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx

from core.config import PACKAGED_EMBEDDING_MODEL
from core.models.export import source
from evals.bench.system import answers, free_port, stop
from evals.bench.wire import first_word

_GLANCE_SECONDS: Final = 0.1
_MOST_GLANCES: Final = 600
_OFF: Final = {
    f"ENABLE_{what}": "false"
    for what in (
        "OLLAMA_API",
        "RETRIEVAL_QUERY_GENERATION",
        "TITLE_GENERATION",
        "TAGS_GENERATION",
        "FOLLOW_UP_GENERATION",
    )
}
_ACCOUNT: Final = {"name": "Bench", "email": "bench@example.com", "password": "a long one 1A!"}


@dataclass(frozen=True)
class OpenWebUI:
    """A running one, signed in to, and a knowledge base in it."""

    client: httpx.AsyncClient
    knowledge_id: str

    async def add(self, texts: Sequence[str], at_once: int = 2) -> None:
        """Upload documents, and return when all can be searched.

        With more at once it refuses some, since it has not read them yet.
        """
        waiting = iter(enumerate(texts))

        async def caller() -> None:
            for number, text in waiting:
                await self._add(f"memo-{number}.txt", text)

        await asyncio.gather(*(caller() for _ in range(at_once)))

    async def _add(self, name: str, text: str) -> None:
        sent = {"file": (name, text.encode(), "text/plain")}
        file_id = (await self._post("/api/v1/files/", files=sent))["id"]
        for _ in range(_MOST_GLANCES):
            told = await self.client.get(f"/api/v1/files/{file_id}/process/status")
            if told.json()["status"] == "completed":
                break
            await asyncio.sleep(_GLANCE_SECONDS)
        await self._post(
            f"/api/v1/knowledge/{self.knowledge_id}/file/add", json={"file_id": file_id}
        )

    async def search(self, question: str, *, hybrid: bool = False) -> None:
        """Ask for ten passages; ``hybrid`` needs ``allow_hybrid`` before."""
        asked = {"collection_names": [self.knowledge_id], "query": question, "k": 10}
        found = await self._post(
            "/api/v1/retrieval/query/collection", json=asked | {"hybrid": hybrid}
        )
        if not found["documents"][0]:
            raise RuntimeError("a search found nothing: the measurement would mean nothing")

    async def allow_hybrid(self) -> None:
        """Switch hybrid search on, for chats as well."""
        await self._post("/api/v1/retrieval/config/update", json={"ENABLE_RAG_HYBRID_SEARCH": True})

    async def first_word(self, question: str) -> float:
        """Return the seconds until the first word of a chat, then read it to its end."""
        body = {
            "model": "bench",
            "stream": True,
            "messages": [{"role": "user", "content": question}],
            "files": [{"type": "collection", "id": self.knowledge_id}],
        }
        headers = {"Authorization": self.client.headers["Authorization"]}
        url = str(self.client.base_url.join("/api/chat/completions"))
        return await first_word(url, headers, body, _is_word)

    async def _post(self, path: str, **sent: Any) -> Any:
        answer = await self.client.post(path, **sent)
        answer.raise_for_status()
        return answer.json()


@asynccontextmanager
async def installed(command: Path, model_url: str) -> AsyncIterator[OpenWebUI]:
    """Start the ``open-webui`` of an environment, and stop it at the end.

    Raises :class:`~evals.bench.system.StartFailed` when it is not ready in three minutes.
    """
    with tempfile.TemporaryDirectory(prefix="open-webui-") as directory:
        port, log, started = free_port(), Path(directory) / "bench.log", time.monotonic()
        process = await _launch(command, port, model_url, directory, log)
        try:
            url = f"http://127.0.0.1:{port}"
            async with httpx.AsyncClient(base_url=url, timeout=300) as client:
                await answers(client, "/health", started, process, log)
                yield await _signed_in(client)
        finally:
            await stop(process)


async def _launch(
    command: Path, port: int, model_url: str, directory: str, log: Path
) -> asyncio.subprocess.Process:
    own = {
        "DATA_DIR": directory,
        "OFFLINE_MODE": "true",
        "HF_HUB_OFFLINE": "1",
        "ANONYMIZED_TELEMETRY": "false",
        "WEBUI_SECRET_KEY": "only for this measurement",
        "RAG_EMBEDDING_MODEL": source(PACKAGED_EMBEDDING_MODEL),
        "OPENAI_API_BASE_URL": model_url,
        "OPENAI_API_KEY": "bench",
        "PATH": f"{command.parent}:{os.environ['PATH']}",
    }
    rest = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    with log.open("wb") as output:
        return await asyncio.create_subprocess_exec(
            str(command), "serve", "--host", "127.0.0.1", "--port", str(port),
            env=rest | own | _OFF, cwd=directory,
            stdin=asyncio.subprocess.DEVNULL, stdout=output, stderr=output,
        )  # fmt: skip


async def _signed_in(client: httpx.AsyncClient) -> OpenWebUI:
    signed = await client.post("/api/v1/auths/signup", json=_ACCOUNT)
    signed.raise_for_status()
    client.headers["Authorization"] = f"Bearer {signed.json()['token']}"
    (await client.get("/api/models")).raise_for_status()  # it asks the provider for them now
    body = {"name": "Bench", "description": "Bench"}
    made = await client.post("/api/v1/knowledge/create", json=body)
    made.raise_for_status()
    return OpenWebUI(client, str(made.json()["id"]))


def _is_word(data: str) -> bool:
    """Whether an event's data is a piece of the answer, not of what it was found in."""
    choices = json.loads(data).get("choices")
    return bool(choices and choices[0]["delta"].get("content"))
