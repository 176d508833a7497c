// What both languages' workers share: the way out to the trusted side, and giving up every power.
// Deno's permissions are the wall; removing names only spares users confusing errors.
const post = globalThis.postMessage.bind(globalThis);
const inspect = Deno.inspect;
const GONE = ["process", "Worker", "postMessage", "close", "caches", "onmessage"];

export function print(text) {
  post({ kind: "stdout", text });
}

export function tell(outcome) {
  post(outcome);
}

function show(value) {
  return typeof value === "string" ? value : inspect(value, { depth: 6, strAbbreviateSize: 10_000 });
}

function replaceConsole() {
  const line = (...values) => print(values.map(show).join(" ") + "\n");
  const silent = () => {};
  const printing = new Set(["log", "info", "debug", "warn", "error", "trace", "dir", "table"]);
  globalThis.console = new Proxy({}, { get: (_, name) => (printing.has(name) ? line : silent) });
}

// Calls `run(code, inputs)` with the one message that comes, after giving up reading files.
export function serve(run) {
  replaceConsole();
  Deno.permissions.revokeSync({ name: "read" });
  globalThis.addEventListener("message", ({ data }) => run(data.code, data.inputs), { once: true });
  post({ kind: "ready" });
  for (const name of GONE) delete globalThis[name];
  // What asks for it unseen (Node's modules, Pyodide's system calls) fails with a sentence.
  Object.defineProperty(globalThis, "Deno", {
    get() {
      throw new Error("the sandbox has no files, network, environment or processes");
    },
  });
}
