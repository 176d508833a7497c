// Runs Python in Pyodide, started from a snapshot of its memory (see snapshot.js).
import { print, serve, tell } from "./guest.js";

const assets = Deno.args[1];
const { loadPyodide } = await import(`file://${assets}/pyodide.mjs`);
const python = await loadPyodide({
  indexURL: `${assets}/`,
  _loadSnapshot: Deno.readFileSync(`${assets}/snapshot.bin`),
});
const source = Deno.readTextFileSync(new URL("./run_code.py", import.meta.url));
python.FS.writeFile("/home/run_code.py", source);
python.runPython("import sys; sys.path.insert(0, '/home')");
const runCode = python.pyimport("run_code").run;

// A first run fetches what is loaded late (randomness), and compiles what every run needs.
await runCode("def main(a):\n    return [a]", '{"a": ""}');

function printFrom(stream) {
  const decoder = new TextDecoder();
  stream({
    write(bytes) {
      print(decoder.decode(bytes, { stream: true }));
      return bytes.length;
    },
  });
}
printFrom((options) => python.setStdout(options));
printFrom((options) => python.setStderr(options));

async function run(code, inputsJson) {
  try {
    tell(JSON.parse(await runCode(code, inputsJson)));
  } catch (error) {
    // The interpreter itself gave up: out of stack, or out of its memory.
    tell({ kind: "failed", message: String(error?.message ?? error).slice(-2000), traceback: [] });
  }
}

serve(run);
