"""The same for Python, whose interpreter could reach JavaScript's world through its bridge."""

from __future__ import annotations

import socket

import pytest

from core.sandbox.errors import CodeFailed, CodeMemoryExceeded, CodeOutputTooLarge, CodeTimedOut
from core.sandbox.pool import Sandbox

# One run tries all, for each run has a fresh interpreter, which takes a second.
ATTEMPTS = [
    "open('/etc/passwd').read()",
    "open('/proc/self/environ').read()",
    "os.listdir('/root')",
    "os.listdir('/etc')",
    "js.Deno.readTextFileSync('/etc/passwd')",
    "js.process.env",
    "js.Worker.new('data:text/javascript,1')",
    "js.postMessage(1)",
    "js.eval('Deno.version')",
    "(await run_js(\"import('node:fs')\")).readFileSync('/etc/passwd')",
    "(await run_js(\"import('node:child_process')\")).execSync('id')",
    "await run_js(\"import('npm:lodash')\")",
    "await run_js(\"import('https://esm.sh/lodash')\")",
    "pyodide_js.mountNodeFS('/mnt', '/etc') or os.listdir('/mnt')[0]",
    "pyodide_js.FS.filesystems.NODEFS.mount({'opts': {'root': '/etc'}})",
    "await pyodide_js.loadPackage('numpy') or __import__('numpy')",
    "await js.fetch(f'http://127.0.0.1:{port}/')",
    "await pyodide.http.pyfetch(f'http://127.0.0.1:{port}/')",
    "pyodide.http.open_url(f'http://127.0.0.1:{port}/').read()",
    "js.WebSocket.new(f'ws://127.0.0.1:{port}/')",
    "subprocess.run(['id'])",
    "os.fork()",
    "os.execv('/bin/id', ['id'])",
    "threading.Thread(target=print).start()",
    "ctypes.CDLL('libc.so.6').system(b'id')",
    "importlib.import_module('micropip')",
]
PROBE = """
import ctypes, importlib, js, os, pyodide.http, pyodide_js, subprocess, threading
from pyodide.code import run_js
escaped, refused = [], {}
for attempt in attempts:
    try:
        exec(f"async def go():\\n    return {attempt}\\n", globals())
        await go()
        escaped.append(attempt)
    except BaseException as error:
        refused[attempt] = f"{type(error).__name__}: {error}"
return {"escaped": escaped, "refused": len(refused), "environment": dict(os.environ)}
"""
FAILS = {
    "recursion": ("def f(n): return f(n + 1)\nf(0)", CodeFailed),
    "exit": ("import os; os._exit(0)", CodeFailed),
    "abort": ("import os; os.abort()", CodeFailed),
    "connection": ("import socket; socket.create_connection(('127.0.0.1', 1))", CodeFailed),
    "spawn": ("import os; os.system('id')", CodeFailed),
    "list": ("a = []\nwhile True: a.append([0] * 10000)", CodeMemoryExceeded),
    "string": ("a = 'x'\nwhile True: a += a", CodeMemoryExceeded),
    "JavaScript's memory": (
        "import js\na = []\nwhile True: a.append(js.Uint8Array.new(10**7).fill(1))",
        CodeMemoryExceeded,
    ),
    "loop": ("while True: pass", CodeTimedOut),
    "JavaScript's loop": ("import js; js.eval('for (;;);')", CodeTimedOut),
    "unsettled": ("import asyncio; await asyncio.Future()", CodeTimedOut),
    "printing": ("while True: print('x' * 1000)", CodeOutputTooLarge),
    "result": ("'x' * 1_000_000", CodeOutputTooLarge),
    "deep": ("a = []\nfor i in range(500): a = [a]\na", CodeOutputTooLarge),
    "no JSON": ("object()", CodeFailed),
    "not a number": ("float('nan')", CodeFailed),
}


async def test_every_way_out_is_shut(python_sandbox: Sandbox, listener: socket.socket) -> None:
    inputs = {"attempts": ATTEMPTS, "port": listener.getsockname()[1]}
    told = (await python_sandbox.run(PROBE, "python", inputs, 60_000)).result
    assert isinstance(told, dict)
    assert (told["escaped"], told["refused"]) == ([], len(ATTEMPTS))
    assert told["environment"]["HOME"] == "/home"
    assert not [name for name in told["environment"] if name.startswith(("NUXA", "PIP", "GIT"))]
    with pytest.raises(BlockingIOError):
        listener.accept()


@pytest.mark.parametrize(("code", "error"), FAILS.values(), ids=FAILS)
async def test_fails_closed(python_sandbox: Sandbox, code: str, error: type[Exception]) -> None:
    timeout = 1_000 if error is CodeTimedOut else 60_000
    with pytest.raises(error):
        await python_sandbox.run(code, "python", {}, timeout)
