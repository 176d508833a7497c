"""An event loop that gives workspaces equal shares of its time.

asyncio runs what is ready in the order it came: a workspace with a hundred tasks has a hundred
turns for one of another. Here the workspace that has had the least time is next. What works for
all, such as reading from servers, comes first.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import Context, ContextVar
from time import perf_counter
from typing import Any, Final, TypeVar

from typing_extensions import TypeVarTuple, override

T = TypeVar("T")
Arguments = TypeVarTuple("Arguments")

_SLICE_SECONDS: Final = 0.002  # between two looks at what servers have sent
# The workspace that a task, and all that it starts, works for; empty: all of them.
loop_owner: Final[ContextVar[str]] = ContextVar("loop_owner", default="")


def create_shared_task(work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
    """Start a task that others than its creator's workspace wait for, too."""
    context = contextvars.copy_context()
    context.run(loop_owner.set, "")
    return asyncio.create_task(work, context=context)


class _Turn(asyncio.Handle):
    """A callback that waits for its workspace's turn."""

    def __init__(
        self,
        callback: Callable[..., object],
        args: tuple[Any, ...],
        loop: asyncio.AbstractEventLoop,
        context: Context,
    ) -> None:
        super().__init__(callback, args, loop, context)
        self.owner = context.get(loop_owner, "")
        self._function, self._arguments, self._in = callback, args, context
        self._report = loop.call_exception_handler

    def take(self) -> None:
        if self.cancelled():
            return
        try:
            self._in.run(self._function, *self._arguments)
        except (SystemExit, KeyboardInterrupt):
            raise
        except BaseException as error:  # noqa: BLE001 - as of every callback: it is reported
            message = "Exception in a callback"
            self._report({"message": message, "exception": error, "handle": self})


class FairEventLoop(asyncio.SelectorEventLoop):
    """Share the loop's time between the workspaces named by ``loop_owner``."""

    def __init__(self) -> None:
        super().__init__()
        self._turns: dict[str, deque[_Turn]] = {}
        self._spent: dict[str, float] = {}  # seconds, of those in `_turns`
        self._least = 0.0  # what the last one chosen had spent: newcomers begin with it
        self._is_running_turns = False

    @override
    def call_soon(
        self,
        callback: Callable[[*Arguments], object],
        *args: *Arguments,
        context: Context | None = None,
    ) -> asyncio.Handle:
        """Call back in the turn of the workspace that the context names; else as asyncio does."""
        if context is None:  # an empty one is false, too
            context = contextvars.copy_context()
        if not context.get(loop_owner):
            return super().call_soon(callback, *args, context=context)
        turn = _Turn(callback, args, self, context)
        if turn.owner not in self._turns:
            self._turns[turn.owner] = deque()
            self._spent[turn.owner] = self._least
        self._turns[turn.owner].append(turn)
        if not self._is_running_turns:
            self._is_running_turns = True
            super().call_soon(self._run_turns, context=Context())
        return turn

    def _run_turns(self) -> None:
        """Take turns for a moment."""
        now = perf_counter()
        end = now + _SLICE_SECONDS
        try:
            while self._turns and now < end:
                now = self._take_turn(now)
        finally:
            self._is_running_turns = bool(self._turns)
            if self._turns:
                super().call_soon(self._run_turns, context=Context())

    def _take_turn(self, began: float) -> float:
        owner = min(self._spent, key=self._spent.__getitem__)
        self._least = self._spent[owner]
        turns = self._turns[owner]
        turn = turns.popleft()
        try:
            turn.take()
        finally:
            now = perf_counter()
            self._spent[owner] += now - began
            if not turns:
                del self._turns[owner], self._spent[owner]
        return now
