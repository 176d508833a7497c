"""A client of the bench: a bare websocket that speaks Socket.IO's packets, as cheaply as may be."""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any, Final

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

_SENT: Final = re.compile(r'"value":([0-9.]+)')
_ANSWER_SECONDS: Final = 60


@dataclass
class Times:
    """Seconds from sending to the acknowledgement, and to each delivery."""

    acknowledged: list[float] = field(default_factory=list)
    delivered: list[float] = field(default_factory=list)


class Client:
    """One socket that has one workflow open."""

    def __init__(self, wire: ClientConnection, workflow_id: str, times: Times) -> None:
        self._wire, self.workflow_id, self._times = wire, workflow_id, times
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self._asked = 0
        self._reading = asyncio.create_task(self._read())

    @classmethod
    async def open(cls, url: str, key: str, workflow_id: str, times: Times) -> Client:
        path = f"{url.replace('http', 'ws', 1)}/socket.io/?EIO=4&transport=websocket"
        wire = await connect(path, compression=None, ping_interval=None, max_queue=None)
        await wire.recv()
        await wire.send("40" + json.dumps({"token": key}))
        greeting = str(await wire.recv())
        if not greeting.startswith("40"):
            raise RuntimeError(f"a socket was refused: {greeting[:300]}")
        return cls(wire, workflow_id, times)

    async def ask(self, event: str, fields: dict[str, Any]) -> Any:
        self._asked += 1
        answer = self._answers[self._asked] = asyncio.get_running_loop().create_future()
        sent = json.dumps([event, {"workflowId": self.workflow_id, **fields}])
        await self._wire.send(f"42{self._asked}{sent}")
        async with asyncio.timeout(_ANSWER_SECONDS):
            return await answer

    async def edit(self) -> None:
        """Set a variable to the moment of sending."""
        sent = perf_counter()
        fields = {"variableId": "v", "name": "moment", "type": "number", "value": sent}
        answer = await self.ask("variable:set", fields)
        if not answer["ok"]:
            raise RuntimeError(f"an edit was refused: {answer}")
        self._times.acknowledged.append(perf_counter() - sent)

    async def close(self) -> None:
        self._reading.cancel()
        await self._wire.close()

    async def _read(self) -> None:
        try:
            await self._take_all()
        except WebSocketException as error:
            self._end(error)
        else:
            self._end(ConnectionError("the service closed a socket"))

    def _end(self, error: Exception) -> None:
        """Tell those who wait for an answer that none will come."""
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(error)

    async def _take_all(self) -> None:
        async for packet in self._wire:
            text = str(packet)
            if text == "2":
                await self._wire.send("3")
            elif text.startswith("43"):
                number, _, rest = text[2:].partition("[")
                self._answers.pop(int(number)).set_result(json.loads("[" + rest)[0])
            elif text.startswith('42["variable:set"') and (found := _SENT.search(text)):
                self._times.delivered.append(perf_counter() - float(found[1]))
