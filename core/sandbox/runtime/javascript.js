// Runs a function's body: `await` and `return` work, inputs are variables.
import { serve, tell } from "./guest.js";

const AsyncFunction = (async () => {}).constructor;
const { parse, stringify } = JSON;
const FILE = "function.js";
const HEADER_LINES = 3; // two by the constructor of functions, one by the inner function

function isName(text) {
  try {
    new Function(text, "");
    return /^[\p{L}_$][\p{L}\p{N}_$]*$/u.test(text);
  } catch {
    return false;
  }
}

function places(stack, code) {
  const lines = code.split("\n").length;
  const found = [];
  const frames = /function\.js(?:, <anonymous>)?:(\d+):(\d+)/g;
  for (const [, row, column] of String(stack).matchAll(frames)) {
    const line = row - HEADER_LINES;
    if (line >= 1 && line <= lines) found.push(`line ${line}, column ${column}`);
  }
  return found;
}

// The constructor of functions tells no place; as a module the same mistake has one.
async function placeOfMistake(code) {
  const url = URL.createObjectURL(new Blob([`async()=>{\n${code}\n}`], { type: "text/javascript" }));
  try {
    await import(url);
  } catch (error) {
    const place = /:(\d+):(\d+)\)?$/m.exec(`${error.message}\n${error.stack}`);
    if (place) return [`line ${place[1] - 1}, column ${place[2]}`];
  }
  return [];
}

function failed(error, traceback) {
  const isError = error instanceof Error;
  const message = isError ? `${error.name}: ${error.message}` : `threw ${String(error)}`;
  const [said] = message.split("\n    at "); // Deno's own errors may quote its stack
  tell({ kind: "failed", message: said.slice(0, 4000), traceback: traceback.slice(0, 20) });
}

async function run(code, inputsJson) {
  const inputs = parse(inputsJson);
  const names = Object.keys(inputs).filter((name) => name !== "inputs" && isName(name));
  const values = names.map((name) => inputs[name]);
  let body;
  try {
    // The inner function lets the code declare a name that an input has too.
    const inner = `return (async () => {\n${code}\n})();\n//# sourceURL=${FILE}`;
    body = new AsyncFunction("inputs", ...names, inner);
  } catch (error) {
    return failed(error, await placeOfMistake(code));
  }
  let result;
  try {
    result = await body(inputs, ...values);
  } catch (error) {
    return failed(error, places(error?.stack, code));
  }
  report(result);
}

function report(result) {
  try {
    tell({ kind: "done", json: stringify(result) ?? "null" });
  } catch (error) {
    if (error instanceof RangeError) return tell({ kind: "output", message: "its result" });
    failed(error, []);
  }
}

serve(run);
