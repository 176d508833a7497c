// Writes Pyodide's memory as it is once Python has started and imported what most code needs. That
// takes seconds; runs start from this file. Run at install, with access to the one directory.
const [assets] = Deno.args;
const { loadPyodide } = await import(`file://${assets}/pyodide.mjs`);
const python = await loadPyodide({
  indexURL: `${assets}/`,
  env: { HOME: "/home", LANG: "C.UTF-8", _: "python" },
  _makeSnapshot: true,
});
python.runPython(`
import ast, base64, collections, csv, datetime, functools, hashlib, inspect, itertools, json
import linecache, math, random, re, statistics, textwrap, traceback, typing, uuid
`);
Deno.writeFileSync(`${assets}/snapshot.bin`, python.makeMemorySnapshot());
