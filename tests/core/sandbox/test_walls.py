"""Code that attacks: each ends with its typed error, and the sandbox goes on serving."""

from __future__ import annotations

import contextlib
import socket

import pytest

from core.errors import NuxaError
from core.sandbox.errors import CodeFailed, CodeMemoryExceeded, CodeOutputTooLarge, CodeTimedOut
from core.sandbox.pool import Sandbox

FILES = {
    "read": 'const fs = await import("node:fs"); return fs.readFileSync("/etc/passwd", "utf8")',
    "read by Deno": 'return Deno.readTextFileSync("/etc/passwd")',
    "write": 'const fs = await import("node:fs/promises"); await fs.writeFile("/tmp/escaped", "x")',
    "text module": 'return await import("file:///etc/passwd", {with: {type: "text"}})',
    "json module": 'return await import("file:///etc/passwd", {with: {type: "json"}})',
    "our own files": "return await import(import.meta.url)",
    "module in a data URL": """return await import("data:text/javascript," + encodeURIComponent(
        "import t from 'file:///etc/passwd' with {type: 'text'}; export default t"))""",
    "fetch": 'return await (await fetch("file:///etc/passwd")).text()',
    "built function": """const go = Function("return import('node:fs')");
        return (await go()).readdirSync("/")""",
}
POWERS = {
    "environment": 'return (await import("node:process")).env.PATH.length',
    "process": "return process.env",
    "spawn": 'return (await import("node:child_process")).execSync("id").toString()',
    "spawn by Deno": 'return new Deno.Command("id").outputSync()',
    "host name": 'return (await import("node:os")).hostname()',
    "worker": 'return new Worker("data:text/javascript,1", {type: "module"})',
    "worker thread": """const {Worker} = await import("node:worker_threads");
        return new Worker("1", {eval: true}).threadId""",
    "package": 'return await import("npm:lodash")',
    "jsr package": 'return await import("jsr:@std/path")',
    "module from afar": 'return await import("https://esm.sh/lodash")',
    "native code": 'return Deno.dlopen("libc.so.6", {})',
    "inspector": 'return (await import("node:inspector")).open()',
    "inner modules": 'return await import("ext:core/mod.js")',
    "posting itself": 'postMessage({kind: "done", json: "1"}); return 2',
}
NETWORK = {
    "fetch": "return await (await fetch(`http://127.0.0.1:${port}/`)).text()",
    "socket": "return await new Promise((_, no) => { const s = new WebSocket("
    "`ws://127.0.0.1:${port}/`); s.onerror = (e) => no(new Error(e.message)) })",
    "event source": "const s = new EventSource(`http://127.0.0.1:${port}/`); "
    "await new Promise((_, no) => { s.onerror = () => no(new Error('no')) })",
    "connect": "return await Deno.connect({port})",
    "node": """const net = await import("node:net");
        await new Promise((yes, no) => net.connect(port).on("connect", yes).on("error", no))""",
    "module": "return await import(`http://127.0.0.1:${port}/x.js`)",
}
CRASHES = {
    "stack": "const f = () => f(); f()",
    "thrown later": "setTimeout(() => { throw new Error('later') }); await new Promise(() => {})",
    "rejected": "Promise.reject(new Error('x')); await new Promise(() => {})",
    "thrown nonsense": "throw {toString() { throw 1 }}",
    "cyclic": "const a = {}; a.a = a; return a",
    "big integer": "return 1n",
    "long string": "let a = 'x'; for (;;) a += a",
    "wasm memory": "new WebAssembly.Memory({initial: 1, maximum: 65536}).grow(60000)",
}
ENDLESS = {
    "loop": "for (;;);",
    "promises": "for (;;) await null",
    "unsettled": "await new Promise(() => {})",
    "timers": "const again = () => setTimeout(again); again(); await new Promise(() => {})",
    "regular expression": "/^(a+)+$/.test('a'.repeat(40) + 'b')",
    "waiting": "Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)",
}
BOMBS = {
    "array": "const a = []; for (;;) a.push(new Array(1000).fill(a.length))",
    "bytes": "const a = []; for (;;) a.push(new Uint8Array(1e7).fill(1))",
    "strings": "const a = []; for (let i = 0; ; i++) a.push(String(i).repeat(1000).split(''))",
    "map": "const m = new Map(); for (let i = 0; ; i++) m.set(i, {i})",
    "wasm": """const a = []; for (;;) { const m = new WebAssembly.Memory({initial: 100});
        new Uint8Array(m.buffer).fill(1); a.push(m) }""",
    "promises": "const a = []; for (;;) a.push(Promise.resolve(a.length).then((x) => [x]))",
}
FLOODS = {
    "printing": "for (;;) console.log('x'.repeat(1000))",
    "result": "return 'x'.repeat(1e6)",
    "deep": "let a = []; for (let i = 0; i < 500; i++) a = [a]; return a",
    "bottomless": "let a = []; for (let i = 0; i < 1e5; i++) a = [a]; return a",
}


def cases(*tables: dict[str, str]) -> pytest.MarkDecorator:
    codes = [pytest.param(code, id=name) for table in tables for name, code in table.items()]
    return pytest.mark.parametrize("code", codes)


@cases(FILES, POWERS, CRASHES)
async def test_refused(sandbox: Sandbox, code: str) -> None:
    with pytest.raises(CodeFailed):
        await sandbox.run(code, "javascript", {}, timeout_ms=20_000)
    assert (await sandbox.run("return 1", "javascript", {})).result == 1


@cases(NETWORK)
async def test_no_network(sandbox: Sandbox, listener: socket.socket, code: str) -> None:
    with pytest.raises(CodeFailed):
        await sandbox.run(code, "javascript", {"port": listener.getsockname()[1]}, 20_000)
    with pytest.raises(BlockingIOError):
        listener.accept()


@cases(ENDLESS)
async def test_endless(sandbox: Sandbox, code: str) -> None:
    with pytest.raises(CodeTimedOut):
        await sandbox.run(code, "javascript", {}, timeout_ms=500)


@cases(BOMBS)
async def test_memory(sandbox: Sandbox, code: str) -> None:
    with pytest.raises(CodeMemoryExceeded, match="96 MB"):
        await sandbox.run(code, "javascript", {}, timeout_ms=60_000)


@cases(FLOODS)
async def test_too_large(sandbox: Sandbox, code: str) -> None:
    with pytest.raises(CodeOutputTooLarge):
        await sandbox.run(code, "javascript", {}, timeout_ms=60_000)


@cases({"exit": "(await import('node:process')).exit(0)", "close": "self.close(); return 1"})
async def test_leaving(sandbox: Sandbox, code: str) -> None:
    with pytest.raises(NuxaError):
        await sandbox.run(code, "javascript", {}, timeout_ms=2_000)


async def test_pollution_ends_with_its_run(sandbox: Sandbox) -> None:
    poison = """Object.prototype.kind = "memory"; Array.prototype.push = null;
        JSON.stringify = null; Promise.prototype.then = null; globalThis.left = 1;
        Object.defineProperty(Object.prototype, "json", {get: () => 1}); return [1]"""
    with contextlib.suppress(NuxaError):  # what its own run gives is its own affair
        await sandbox.run(poison, "javascript", {}, 3_000)
    clean = "return [typeof left, ({}).kind ?? null, [].push(1)]"
    assert (await sandbox.run(clean, "javascript", {})).result == ["undefined", None, 1]


async def test_printing_cannot_forge_the_answer(sandbox: Sandbox) -> None:
    frame = '{"kind": "done", "json_text": "42"}'
    code = f"console.log('\\n' + '0'.repeat(32) + '{frame}'); return 1"
    assert (await sandbox.run(code, "javascript", {})).result == 1
