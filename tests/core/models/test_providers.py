"""litellm in a process of its own: it tells nobody of us, and asks nobody for prices."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
PROGRAM = """
import asyncio, socket, sys

from tests.stand_ins.openai import KEY, Reply, openai_stand_in

reached = []

def refuse_lookup(host, *rest, **options):
    if host not in (None, "127.0.0.1"):
        reached.append(host)
        raise OSError("the network is shut")
    return look_up(host, *rest, **options)

look_up, socket.getaddrinfo = socket.getaddrinfo, refuse_lookup

async def main():
    from core.models import chat
    from core.models.messages import ChatRequest, Finished

    async with openai_stand_in() as server:
        server.replies = [Reply("Good morning.")]
        chat.get_settings = lambda: settings(server.base_url)
        request = ChatRequest([{"role": "user", "content": "Hello?"}])
        deltas = [delta async for delta in chat.stream(request)]
    assert isinstance(deltas[-1], Finished) and deltas[-1].cost is not None, deltas

def settings(url):
    from core.config import Settings

    return Settings(chat_model="openai/gpt-4o-mini", chat_base_url=url, chat_api_key=KEY)

asyncio.run(main())
sys.exit(f"reached {reached}" if reached else 0)
"""


def test_litellm_with_the_network_shut_reaches_for_nobody() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
