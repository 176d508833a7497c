// The trusted side of one run. It hands the user's code to a worker (an isolate of its own), keeps
// the time's and the memory's watch while that one is busy, and writes one frame with the outcome.
// Frames begin with a mark that only this isolate and our parent know, so that whatever the code
// prints, or writes to the raw descriptor, cannot be taken for one.
const [language] = Deno.args;
const WATCH_MS = 20;
const ENDS = new Set(["failed", "memory", "output"]);
const encoder = new TextEncoder();

function write(text) {
  let bytes = encoder.encode(text);
  while (bytes.length > 0) bytes = bytes.subarray(Deno.stdout.writeSync(bytes));
}

// What the code's isolate says of its end is the code's word: of the right kinds and bounded.
function bounded(outcome, limits) {
  const cut = (text, most) => (typeof text === "string" ? text.slice(0, most).toWellFormed() : "");
  const kind = ENDS.has(outcome?.kind) ? outcome.kind : "failed";
  const lines = Array.isArray(outcome?.traceback) ? outcome.traceback : [];
  return {
    kind,
    message: cut(outcome?.message, limits.message_chars),
    traceback: lines
      .slice(0, limits.traceback_lines)
      .map((line) => cut(line, limits.traceback_chars)),
  };
}

function start(request, worker) {
  const { mark, memory_bytes, stdout_chars, printed_chars, result_chars, timeout_ms } = request;
  const atRest = Deno.memoryUsage().rss;
  const began = performance.now();
  let stdout = "";
  let printed = 0;

  function finish(outcome) {
    const ms = performance.now() - began;
    // Cut within a pair, or printed so, half a character would be no JSON.
    const frame = { ...outcome, stdout: stdout.toWellFormed(), ms };
    write(`\n${mark}${JSON.stringify(frame)}\n`);
    Deno.exit(0);
  }

  function take(text) {
    printed += text.length;
    if (stdout.length < stdout_chars) stdout += text.slice(0, stdout_chars - stdout.length);
    if (printed > printed_chars) finish({ kind: "output", message: "what it prints" });
  }

  worker.onmessage = ({ data }) => {
    if (data?.kind === "stdout") return take(String(data.text));
    if (data?.kind !== "done") return finish(bounded(data, request));
    const { json } = data;
    if (typeof json !== "string" || json.length > result_chars) {
      return finish({ kind: "output", message: "its result" });
    }
    finish({ kind: "done", json_text: json });
  };
  worker.onerror = (event) => {
    event.preventDefault();
    finish(bounded({ kind: "failed", message: event.message }, request));
  };
  setInterval(() => {
    if (Deno.memoryUsage().rss - atRest > memory_bytes) finish({ kind: "memory" });
  }, WATCH_MS);
  setTimeout(() => finish({ kind: "time" }), timeout_ms);
  worker.postMessage({ code: request.code, inputs: request.inputs });
}

async function serve(worker) {
  let text = "";
  let started = false;
  for await (const chunk of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) {
    if (started) continue;
    text += chunk;
    if (!text.endsWith("\n")) continue;
    started = true;
    start(JSON.parse(text), worker);
  }
  Deno.exit(0); // our parent is gone
}

const worker = new Worker(new URL(`./${language}.js`, import.meta.url), { type: "module" });
worker.onmessage = ({ data }) => {
  if (data.kind !== "ready") return;
  Deno.permissions.revokeSync({ name: "read" });
  write("ready\n");
  serve(worker);
};
