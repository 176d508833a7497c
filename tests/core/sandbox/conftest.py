"""One sandbox for all tests of a session, with small limits so that bombs go off early."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Iterator

import pytest

from core.config import get_settings
from core.sandbox.errors import LanguageUnavailable
from core.sandbox.install import find_pyodide
from core.sandbox.interpreter import require_interpreter
from core.sandbox.limits import Limits
from core.sandbox.pool import Sandbox

LIMITS = Limits(
    memory_bytes=96 * 1024**2,
    result_chars=100_000,
    printed_chars=200_000,
    stdout_chars=1_000,
    inputs_chars=100_000,
)

INTERPRETER_LIMITS = Limits(
    memory_bytes=128 * 1024**2,
    output_files=3,
    output_file_bytes=200_000,
    scratch_bytes=8 * 1024**2,
    scratch_files=50,
    stdout_chars=1_000,
    printed_chars=100_000,
)


@pytest.fixture(scope="session")
async def sandbox() -> AsyncIterator[Sandbox]:
    opened = Sandbox(get_settings(), LIMITS)
    yield opened
    await opened.close()


@pytest.fixture(scope="session")
def python_sandbox(sandbox: Sandbox) -> Sandbox:
    try:
        find_pyodide(get_settings())
    except LanguageUnavailable as error:
        pytest.skip(error.message)
    return sandbox


@pytest.fixture(scope="session")
async def interpreter() -> AsyncIterator[Sandbox]:
    try:
        require_interpreter(get_settings())
    except LanguageUnavailable as error:
        pytest.skip(error.message)
    sandbox = Sandbox(get_settings(), INTERPRETER_LIMITS)
    yield sandbox
    await sandbox.close()


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """A server on this machine that nobody should manage to reach."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        yield server
