"""What a hostile parser process can make its parent read."""

from __future__ import annotations

import asyncio
import struct
import tracemalloc
from pathlib import Path

import pytest

from ingest import parser as parser_module
from ingest import wire
from ingest.failures import ParserCrashed
from ingest.limits import Limits


def _reader(data: bytes) -> asyncio.StreamReader:
    stream = asyncio.StreamReader()
    stream.feed_data(data)
    stream.feed_eof()
    return stream


def _frame(body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + body


async def test_receive_with_length_beyond_the_limit_refuses_before_reading() -> None:
    stream = asyncio.StreamReader()
    stream.feed_data(struct.pack(">I", 2**32 - 1) + b"x" * 1000)
    tracemalloc.start()
    try:
        with pytest.raises(wire.ReplyInvalid):
            async with asyncio.timeout(5):
                await wire.receive(stream)
        assert tracemalloc.get_traced_memory()[1] < 1024**2
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "body",
    [
        b"not JSON",
        b'{"unknown": 1}',
        b'{"progress": ["parsing", 1]}',
        b'{"progress": ["anything", 1, 2]}',
        b'{"progress": ["parsing", "1", 2]}',
        b'{"progress": ["parsing", -1, 2]}',
        b'{"failure": ["CORRUPT", 5], "memory": 1}',
        b'{"failure": ["CORRUPT", "' + b"x" * 2001 + b'"], "memory": 1}',
        b'{"failure": ["' + b"x" * 41 + b'", "x"], "memory": 1}',
        b'{"document": [], "memory": 1}',
        b'{"memory": "1"}',
        b'{"document": ' + b'{"a":' * 100_000 + b"1" + b"}" * 100_000 + b"}",
    ],
)
async def test_receive_with_malformed_reply_raises_reply_invalid(body: bytes) -> None:
    with pytest.raises(wire.ReplyInvalid):
        await wire.receive(_reader(_frame(body)))


@pytest.mark.parametrize(
    "body",
    [
        b'{"unknown": 1}',
        b'{"failure": ["NO_SUCH_CODE", "x"], "memory": 1}',
        b'{"document": {"text": 1}, "memory": 1}',
        b'{"window": {"lines": [[1]]}, "memory": 1}',
        b'{"memory": 1}',
    ],
)
async def test_child_run_with_damaged_answer_raises_parser_crashed(
    body: bytes, tmp_path: Path
) -> None:
    (tmp_path / "x.txt").write_text("x")
    process = await asyncio.create_subprocess_exec(
        *("/bin/sleep", "60"), stdin=asyncio.subprocess.PIPE, start_new_session=True
    )
    process.stdout = _reader(_frame(body))
    child = parser_module._Child(process, tmp_path)
    try:
        with pytest.raises(ParserCrashed):
            await child.run(tmp_path / "x.txt", "y.txt", Limits(), "eng", 1, lambda *_: None)
    finally:
        await child.kill()
