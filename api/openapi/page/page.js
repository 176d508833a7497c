// Shows /api/openapi.json and sends requests. All that comes from elsewhere is set as text.
"use strict";

const el = (name, props = {}, ...children) => {
  const node = Object.assign(document.createElement(name), props);
  node.append(...children.filter((child) => child !== null));
  return node;
};

let doc = null;

const resolve = (node) =>
  node && node.$ref ? node.$ref.slice(2).split("/").reduce((at, key) => at[key], doc) : node;

// An example of what a schema takes, down to a depth.
function example(schema, depth = 0) {
  schema = resolve(schema) ?? {};
  if (schema.default !== undefined) return schema.default;
  if (schema.const !== undefined) return schema.const;
  if (schema.enum) return schema.enum[0];
  const option = (schema.anyOf ?? schema.oneOf ?? [])[0];
  if (option && !schema.properties) return example(option, depth);
  if (schema.properties) {
    const wanted = schema.required ?? [];
    const shown = Object.entries(schema.properties).filter(([name]) => wanted.includes(name));
    return depth > 3 ? {} : Object.fromEntries(shown.map(([k, v]) => [k, example(v, depth + 1)]));
  }
  const plain = { string: "", integer: 0, number: 0, boolean: false, array: [], object: {} };
  return plain[schema.type] ?? null;
}

// A schema as lines: name, type, what it says.
function outline(schema, indent = "", depth = 0) {
  schema = resolve(schema) ?? {};
  const options = schema.anyOf ?? schema.oneOf;
  if (options) return options.map((each) => outline(each, indent, depth)).join(`${indent}or\n`);
  if (schema.type === "array") return `${indent}list of\n${outline(schema.items, indent + "  ", depth + 1)}`;
  if (!schema.properties || depth > 4) return `${indent}${schema.type ?? schema.const ?? "anything"}\n`;
  return Object.entries(schema.properties).map(([name, value]) => {
    const target = resolve(value);
    const mark = (schema.required ?? []).includes(name) ? "" : "?";
    const nested = target.properties || target.items || target.anyOf || target.oneOf;
    const head = `${indent}${name}${mark}: ${nested ? "" : target.type ?? target.const ?? "anything"}`;
    const about = target.description ? `  — ${target.description}` : "";
    return `${head}${about}\n${nested ? outline(value, indent + "  ", depth + 1) : ""}`;
  }).join("");
}

async function send(method, path, operation, form, output) {
  let url = path;
  const query = new URLSearchParams();
  const headers = {};
  for (const parameter of operation.parameters) {
    const value = form.elements[parameter.name]?.value ?? "";
    if (parameter.in === "path") url = url.replace(`{${parameter.name}}`, encodeURIComponent(value));
    else if (value && parameter.in === "query") query.append(parameter.name, value);
    else if (value) headers[parameter.name] = value;
  }
  const key = document.getElementById("key").value;
  if (key) headers["x-api-key"] = key;
  const options = { method, headers };
  const file = form.elements["file-to-send"]?.files?.[0];
  if (file) {
    options.body = new FormData();
    options.body.append("file", file);
  } else if (form.elements["json-body"]) {
    headers["Content-Type"] = "application/json";
    options.body = form.elements["json-body"].value;
  }
  output.textContent = "…";
  try {
    const answer = await fetch(query.size ? `${url}?${query}` : url, options);
    output.textContent = `${answer.status} ${answer.headers.get("content-type") ?? ""}\n\n`;
    const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
    for (let part = await reader?.read(); part && !part.done; part = await reader.read()) {
      output.append(part.value);
    }
    const isJson = (answer.headers.get("content-type") ?? "").startsWith("application/json");
    if (isJson) {
      const [head, ...rest] = output.textContent.split("\n\n");
      output.textContent = `${head}\n\n${JSON.stringify(JSON.parse(rest.join("\n\n")), null, 2)}`;
    }
  } catch (error) {
    output.textContent = String(error);
  }
}

function requestForm(method, path, operation) {
  const output = el("pre", { ariaLive: "polite" });
  const fields = el("div", { className: "fields" });
  for (const parameter of operation.parameters) {
    const input = el("input", { name: parameter.name, required: parameter.in === "path" });
    input.title = parameter.description ?? "";
    const id = `${operation.operationId}-${parameter.name}`;
    input.id = id;
    fields.append(el("label", { htmlFor: id }, `${parameter.name} (${parameter.in})`), input);
  }
  const form = el("form", {}, fields);
  const content = operation.requestBody?.content ?? {};
  if (content["multipart/form-data"]) {
    form.append(el("label", {}, "File ", el("input", { type: "file", name: "file-to-send" })));
  }
  if (content["application/json"]) {
    const value = JSON.stringify(example(content["application/json"].schema), null, 2);
    form.append(el("textarea", { name: "json-body", value, ariaLabel: "Body, as JSON" }));
  }
  form.append(el("button", {}, "Send"));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send(method, path, operation, form, output);
  });
  return [form, output];
}

function schemas(operation) {
  const shown = [];
  for (const [type, media] of Object.entries(operation.requestBody?.content ?? {})) {
    shown.push(el("h4", {}, `Body (${type})`), el("pre", {}, outline(media.schema)));
  }
  for (const [status, given] of Object.entries(operation.responses)) {
    const response = resolve(given);
    const isError = status >= "400";
    const contents = isError ? [] : Object.entries(response.content ?? {});
    shown.push(el("h4", {}, `${status} ${response.description}`));
    for (const [type, media] of contents) {
      const event = media.schema.properties?.data?.anyOf?.[0]?.contentSchema;
      shown.push(el("pre", {}, `${type}\n${outline(event ?? media.schema)}`));
    }
  }
  return shown;
}

function route(method, path, operation) {
  const access = [operation["x-nuxa-access"], operation["x-nuxa-only"] && `${operation["x-nuxa-only"]} only`];
  const node = el("details", {}, el("summary", {},
    el("span", { className: `method ${method}` }, method), el("code", {}, path),
    el("span", {}, operation.summary),
    el("span", { className: "access" }, access.filter(Boolean).join(", "))));
  node.dataset.text = `${method} ${path} ${operation.summary}`.toLowerCase();
  node.addEventListener("toggle", () => {
    if (node.childElementCount > 1) return;
    node.append(...(operation.description ? [el("p", {}, operation.description)] : []),
      ...requestForm(method, path, operation), ...schemas(operation));
  });
  return node;
}

async function show() {
  const main = document.getElementById("routes");
  doc = await (await fetch("/api/openapi.json")).json();
  document.getElementById("about").textContent = doc.info.description;
  const chapters = new Map(doc.tags.map((tag) => [tag.name, el("section", {}, el("h2", {}, tag.name))]));
  for (const [path, operations] of Object.entries(doc.paths)) {
    for (const [method, operation] of Object.entries(operations)) {
      chapters.get(operation.tags[0]).append(route(method.toUpperCase(), path, operation));
    }
  }
  main.replaceChildren(...chapters.values());
  document.getElementById("find").addEventListener("input", (event) => {
    const wanted = event.target.value.toLowerCase();
    for (const node of main.querySelectorAll("details")) node.hidden = !node.dataset.text.includes(wanted);
  });
}

show().catch((error) => { document.getElementById("routes").textContent = String(error); });
