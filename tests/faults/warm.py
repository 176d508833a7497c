"""A warm process that forks a child for each attempt at the runs that wait.

``python -m tests.faults.warm`` reads a line of JSON for each: ``counter`` (a URL that is told of
every block that starts), ``end_at`` and ``point`` (the child ends itself ``before`` or ``after`` it
writes so many blocks), ``kill_after`` (seconds until it is killed). It answers how the child ended.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import threading
import time
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import pipelines.search  # noqa: F401
from core.config import get_settings
from core.ids import new_id
from core.services import open_services
from core.store.run_writer import RunWriter
from pipelines.blocks import KINDS
from pipelines.blocks.base import Context
from pipelines.blocks.component import BlockComponent
from pipelines.execute import claim, execute
from tests.golden.doors import Http, Sandbox, stand_ins

ENDED = 9  # the exit code of a child that ended itself


async def _attempt(said: dict[str, Any]) -> None:
    """Run what waits, as a worker would, until nothing waits."""
    for kind in KINDS.values():
        # Containers and questions have their turn again after a pause; neither does a thing.
        if not kind.is_container and kind.type_name != "humanInTheLoop":
            _have_counted(kind, said["counter"])
    if said.get("end_at"):
        _end_at(said["end_at"], said["point"])
    with stand_ins():
        async with open_services(get_settings()) as opened:
            services = replace(opened, http=Http(), sandbox=Sandbox())  # type: ignore[arg-type]
            while (run := await claim(services, owner := new_id("worker"))) is not None:
                await execute(services, run, owner)


def _have_counted(kind: type[BlockComponent[Any]], url: str) -> None:
    execute = kind.execute

    async def counted(self: BlockComponent[Any], context: Context, settings: Any) -> Any:
        await _tell(url, "/".join((context.execution_id, *context.place)))
        return await execute(self, context, settings)

    kind.execute = counted  # type: ignore[method-assign]


async def _tell(url: str, place: str) -> None:
    address = urlsplit(url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    writer.write(f"POST /{place} HTTP/1.1\r\nContent-Length: 0\r\n\r\n".encode())
    await reader.readuntil(b"\r\n\r\n")
    writer.close()


def _end_at(number: int, point: str) -> None:
    write, count = RunWriter.write_block, 0

    async def counted(self: RunWriter, *given: Any) -> bool:
        nonlocal count
        count += 1
        is_last = count == number
        if is_last and point == "before":
            os._exit(ENDED)
        is_written = await write(self, *given)
        if is_last:
            os._exit(ENDED)
        return is_written

    RunWriter.write_block = counted  # type: ignore[method-assign]


def _forked(said: dict[str, Any]) -> int:
    pid = os.fork()
    if pid == 0:
        try:
            asyncio.run(_attempt(said))
        except BaseException as error:  # noqa: BLE001 - the child says what it died of, and ends
            print(repr(error), file=sys.stderr, flush=True)
            os._exit(1)
        os._exit(0)
    if said.get("kill_after") is not None:
        threading.Thread(target=_kill, args=(pid, said["kill_after"]), daemon=True).start()
    _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status)


def _kill(pid: int, seconds: float) -> None:
    time.sleep(seconds)
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return  # it was done before


if __name__ == "__main__":
    print("warm", flush=True)
    for line in sys.stdin:
        print(_forked(json.loads(line)), flush=True)
