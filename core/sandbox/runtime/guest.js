// What both languages' workers share: the way out to the trusted side, and giving up every power.
// Deno's permissions are the wall; removing names only spares users confusing errors.
const post = globalThis.postMessage.bind(globalThis);
const inspect = Deno.inspect;
const GONE = ["Deno", "process", "Worker", "postMessage", "close", "navigator", "caches", "localStorage",
  "sessionStorage", "prompt", "alert", "confirm", "onmessage", "name"];

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
  const named = { log: line, info: line, debug: line, warn: line, error: line, trace: line, dir: line, table: line };
  globalThis.console = new Proxy(named, { get: (target, key) => target[key] ?? silent });
}

// Calls `run(code, inputs)` with the one message that comes, after giving up reading files.
export function serve(run) {
  replaceConsole();
  Deno.permissions.revokeSync({ name: "read" });
  globalThis.addEventListener("message", ({ data }) => run(data.code, data.inputs), { once: true });
  post({ kind: "ready" });
  for (const name of GONE) delete globalThis[name];
}
