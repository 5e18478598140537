// The page of an endpoint. Everything that comes from outside becomes text, never markup.

const $ = (id) => document.getElementById(id);
const base = location.pathname.replace(/\/*$/, "/"); // behind a proxy the page may stand anywhere
const NUMBERS = new Set(["double", "float", "long", "integer"]);
const NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/;
const SECONDS = 2;
const MANY = 12;

/** Read JSON; a whole number that JavaScript would round stays as it is written. */
const parse = (text) =>
  JSON.parse(text, (_, value, context) =>
    typeof value === "number" && Math.abs(value) > Number.MAX_SAFE_INTEGER ? (context?.source ?? value) : value);

/** Make an element with attributes and children; a text is text. */
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== undefined && value !== null) element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

const written = (value) => (typeof value === "string" ? value : JSON.stringify(value));
const spelled = (name) => (/^[\w.-]+$/.test(name) ? name : `"${name}"`);
const count = (number) => number.toLocaleString("en");

// The form

let about = null;
let fields = [];

/** Whether there is one field for all that a model wants, and not one for each column. */
const isTensor = (inputs) => inputs.length === 1 && "shape" in inputs[0];

function build() {
  const inputs = about.inputs;
  fields = isTensor(inputs)
    ? [field({ name: `One row of shape ${inputs[0].shape.slice(1).join(" × ") || "1"}`, type: inputs[0].type, json: true }, 0)]
    : inputs.map(field);
  $("fields").replaceChildren(...fields.map((each) => each.box));
  $("finder").hidden = fields.length <= MANY;
  $("hint").textContent = isTensor(inputs)
    ? "One row, as JSON."
    : `${count(inputs.length)} ${inputs.length === 1 ? "column" : "columns"}. An empty field is a missing value.`;
  fill();
  ready(true);
}

/** Whether Predict can be pressed; it keeps the focus while it can't. */
const ready = (can) => $("predict").setAttribute("aria-disabled", !can);

function field(column, number) {
  const id = `field-${number}`;
  const json = column.json || !(NUMBERS.has(column.type) || ["boolean", "string", "datetime", "binary"].includes(column.type));
  const optional = column.required === false;
  const first = example()[number];
  const common = { id, autocomplete: "off", spellcheck: "false", "aria-describedby": `${id}-wrong` };
  const long = json || (column.type === "string" && typeof first === "string" && (first.length > 60 || first.includes("\n")));
  let input;
  if (column.type === "boolean" && !json) {
    input = make("select", common, ...["", "true", "false"].map((value) => make("option", { value }, value || "–")));
  } else if (long) {
    input = make("textarea", { ...common, rows: 3, class: json ? "json" : null });
  } else {
    input = make("input", { ...common, type: "text", inputmode: NUMBERS.has(column.type) ? "decimal" : null });
  }
  const type = make("span", { class: "type" }, column.type + (optional ? ", may be empty" : ""));
  const wrong = make("div", { id: `${id}-wrong`, class: "wrong" });
  const name = String(column.name);
  const label = make("label", { for: id }, make("span", {}, name), " ", type);
  const box = make("div", { class: long || name.length > 60 ? "field wide" : "field" }, label, input, wrong);
  input.addEventListener("input", () => { mark(); write(); });
  return { column, json, input, wrong, box };
}

/** The cells of the example, in the order of the fields. */
function example() {
  const { dataframe_split: split, instances } = about.example ?? {};
  if (isTensor(about.inputs)) return [instances?.[0]];
  if (!split) return instances ? [instances[0]].flat() : [];
  const cells = new Map((split.columns ?? []).map((name, number) => [String(name), split.data[0][number]]));
  return about.inputs.map((column) => cells.get(String(column.name)));
}

function fill(blank = false) {
  const cells = blank ? [] : example();
  fields.forEach(({ input, json }, number) => {
    const cell = cells[number];
    input.value = cell === undefined || cell === null ? "" : json ? JSON.stringify(cell) : String(cell);
  });
  mark();
  write();
}

/** Write a cell as JSON. What is no number where one is wanted goes as text: the endpoint says what it wants. */
function cell({ column, json, input }) {
  const text = input.value;
  if (json) {
    if (!text.trim()) return "null";
    try { JSON.parse(text); return text.trim(); } catch { return JSON.stringify(text); }
  }
  if (column.type === "string") return text === "" && column.required === false ? "null" : JSON.stringify(text);
  const bare = text.trim();
  if (bare === "") return "null";
  return column.type === "boolean" || (NUMBERS.has(column.type) && NUMBER.test(bare)) ? bare : JSON.stringify(bare);
}

function body() {
  if (isTensor(about.inputs)) return `{"instances":[${cell(fields[0])}]}`;
  const names = about.inputs.map((column) => JSON.stringify(String(column.name)));
  return `{"dataframe_split":{"columns":[${names}],"data":[[${fields.map(cell)}]]}}`;
}

function write() {
  const quoted = body().replaceAll("'", `'\\''`);
  const key = about.auth ? ' -H "Authorization: Bearer $MLOPS_API_KEY"' : "";
  $("curl").textContent = `curl '${location.origin}${base}invocations' -H 'Content-Type: application/json'${key} -d '${quoted}'`;
}

/** Mark the field at fault, or none. */
function mark(name = null, message = "") {
  for (const each of fields) {
    const wrong = name !== null && String(each.column.name) === name;
    each.wrong.textContent = wrong ? message : "";
    each.input.setAttribute("aria-invalid", wrong);
    if (wrong) {
      each.box.hidden = false;
      each.input.focus();
    }
  }
}

$("example").addEventListener("click", () => fill());
$("clear").addEventListener("click", () => { fill(true); fields[0]?.input.focus(); });
$("find").addEventListener("input", () => {
  const wanted = $("find").value.trim().toLowerCase();
  const shown = fields.filter(({ box, column }) => {
    box.hidden = !String(column.name).toLowerCase().includes(wanted);
    return !box.hidden;
  });
  $("found").textContent = wanted ? `${shown.length} of ${fields.length}` : "";
});
$("find").addEventListener("keydown", (event) => { if (event.key === "Enter") event.preventDefault(); });

// Asking

$("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  if ($("predict").getAttribute("aria-disabled") === "true") return;
  ready(false);
  mark();
  const begin = performance.now();
  try {
    const answer = await fetch(`${base}invocations`, {
      method: "POST", headers: { "Content-Type": "application/json" }, body: body(), signal: AbortSignal.timeout(60000),
    });
    const text = await answer.text();
    const milliseconds = performance.now() - begin;
    let said = null;
    try { said = parse(text); } catch { /* a proxy's own page */ }
    if (answer.ok && said) tell(said.predictions, answer.headers, milliseconds);
    else refuse(said?.message ?? `The answer was ${answer.status} ${answer.statusText}.`, said);
  } catch {
    refuse("The endpoint does not answer.", null, `%mlops endpoints`);
  }
  ready(true);
  look();
});

function tell(predictions, headers, milliseconds) {
  const values = Array.isArray(predictions) && predictions.length === 1 ? predictions[0] : predictions;
  const text = values === "" ? "(an empty text)" : written(values);
  const version = headers.get("X-Model-Version"), id = headers.get("X-Request-Id");
  const canary = version !== about.version ? ", the canary" : "";
  $("said").replaceChildren(
    make("p", { class: text.length > 60 ? "value long" : "value" }, text),
    make("p", { class: "muted" }, `by version ${version}${canary}, in ${milliseconds.toFixed(0)} ms`),
    make("p", { class: "muted" }, "id ", make("code", {}, id)),
    make("p", { class: "tip" }, "When you know what really was: ", make("code", {}, `%mlops label ${spelled(about.endpoint)} --data labels`),
      ", a frame with this id and the label."));
  brief(`→ ${text}`);
}

function refuse(message, said, next = "") {
  $("said").replaceChildren(make("p", { class: "bad" }, said ? "Not answered" : "No answer"), make("p", {}, message));
  if (said?.error_code) $("said").append(make("p", { class: "muted" }, make("code", {}, said.error_code)));
  if (next) $("said").append(make("p", { class: "tip" }, "Look how it is: ", make("code", {}, next)));
  brief("→ not answered");
  if (said?.column) mark(said.column, message);
}

function brief(text) {
  $("brief").hidden = false;
  $("brief").textContent = text;
}

$("copy").addEventListener("click", async () => {
  try {
    await navigator.clipboard.writeText($("curl").textContent);
    $("copied").textContent = "Copied.";
  } catch { // not on a page without https that is not this machine's
    getSelection().selectAllChildren($("curl"));
    $("copied").textContent = "Press Ctrl+C to copy what is selected.";
  }
});

// How it is

let before = null;
let rates = new Array(60).fill(0);
let timer = 0;

async function look() {
  clearTimeout(timer);
  timer = setTimeout(look, SECONDS * 1000);
  if (document.hidden) return;
  try {
    const answer = await fetch(`${base}about`, { cache: "no-store", signal: AbortSignal.timeout(5000) });
    const said = parse(await answer.text());
    if (answer.ok) show(said);
    else state("bad", answer.status === 503 ? "being started again" : said.message);
  } catch {
    state("bad", "not answering");
  }
}

function state(kind, text) {
  if ($("state").textContent !== text) $("state").textContent = text; // a screen reader says it only when it changes
  $("state").dataset.state = kind;
}

function show(said) {
  const asked = JSON.stringify(said.inputs), old = about;
  about = said;
  if (!old || JSON.stringify(old.inputs) !== asked) build();
  document.title = `${said.endpoint} – endpoint`;
  $("name").textContent = said.endpoint;
  $("serves").textContent = `serves ${said.model}, version ${said.version}`;
  state("good", "serving");
  const total = said.versions.filter((each) => each.role !== "shadow")
    .reduce((sum, each) => sum + each.answered + each.refused + each.failed, 0);
  const now = performance.now() / 1000;
  if (before && total >= before.total) {
    const rate = (total - before.total) / (now - before.now);
    rates = [...rates, rate].slice(-60);
    $("rate").textContent = rate < 10 ? rate.toFixed(1) : count(Math.round(rate));
    const most = Math.max(1, ...rates);
    const points = rates.map((each, number) => `${120 - 2 * (rates.length - 1 - number)},${26 - 24 * (each / most)}`);
    $("spark").firstElementChild.setAttribute("points", points.join(" "));
  }
  before = { total, now };
  $("waiting").textContent = count(said.waiting);
  $("figures").replaceChildren(...said.versions.map(figures));
  $("history").replaceChildren(...said.history.map(happened));
  const code = (line) => make("code", {}, line);
  $("next").replaceChildren(...(said.history[0]?.refused
    ? ["The version before goes on. Read why: ", code(`%mlops logs ${spelled(said.endpoint)}`)]
    : ["The next one: ", code(`%mlops promote ${spelled(said.model)}@challenger`), ". Back to the one before: ",
      code(`%mlops rollback ${spelled(said.model)}`)]));}

function figures(each) {
  const time = (value) => (value === null ? "–" : value.toFixed(1));
  const agrees = each.compared ? `, ${((100 * each.agreed) / each.compared).toFixed(1)}% alike` : "";
  const share = each.share === null ? ", before" : each.role === "shadow" ? agrees : ` ${Math.round(each.share * 100)}%`;
  const cells = [count(each.answered), count(each.refused), count(each.failed), time(each.p50_ms), time(each.p99_ms)];
  return make("tr", { class: each.share === null ? "past" : null },
    make("th", { scope: "row" }, each.version, " ", make("span", { class: "muted" }, each.role + share)),
    ...cells.map((text) => make("td", {}, text)));
}

function happened(event, number) {
  const when = new Date(event.time * 1000);
  const now = !event.refused && about.versions.some((each) => each.version === event.version && each.role === event.role && each.share !== null)
    && about.history.findIndex((other) => other.role === event.role && !other.refused) === number;
  const what = event.refused ? `Version ${event.version} was refused: ${event.refused}`
    : event.role === "champion" ? `Version ${event.version} answers` : `Version ${event.version} stands beside, as ${event.role}`;
  const kind = event.refused ? "no" : now ? "now" : null;
  return make("li", { class: kind, "aria-current": now ? "true" : null }, what,
    make("time", { class: "muted", datetime: when.toISOString() }, `${now ? "since " : ""}${when.toLocaleString()}`));
}

document.addEventListener("visibilitychange", () => { if (!document.hidden) look(); });
look();
