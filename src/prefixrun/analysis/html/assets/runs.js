// The table of every run, and the page of one run.

function runLink(position) {
  const run = DATA.runs[position];
  return element("a", { href: `#run?id=${encodeURIComponent(run.name)}`, class: "id", title: run.name }, run.run_id);
}

const plainColumn = (key, label, options = {}) => ({ key, label, value: (row) => row[key], ...options });

const countColumn = (key, label, title) =>
  plainColumn(key, label, { numeric: true, title, show: (row) => number(row[key]) });

function settingColumns() {
  return [
    plainColumn("task", "Task"), plainColumn("model", "Model"), plainColumn("method", "Method"),
    plainColumn("prefix_len", "Length", { numeric: true, title: "Prefix length" }), plainColumn("init", "Init"),
  ];
}

function costColumnsOfRun() {
  return [
    countColumn("trained", "Trained", "Parameters that are trained"),
    countColumn("stored", "Stored", "Numbers that are stored after training"),
    plainColumn("train_seconds", "Training", { numeric: true, show: (row) => duration(row.train_seconds) }),
    plainColumn("peak_memory_bytes", "Memory", { numeric: true, title: "Peak", show: (row) => bytes(row.peak_memory_bytes) }),
    plainColumn("data_source", "Data"), plainColumn("verdict", "Beside the paper"),
  ];
}

function runColumns(rows) {
  return [
    { key: "name", label: "Run", value: (run) => run.run_id, show: (run) => runLink(run.position) },
    ...settingColumns(), plainColumn("seed", "Seed", { numeric: true }),
    plainColumn("subsample_seed", "Subset", { numeric: true, title: "Seed of the training subset" }),
    countColumn("n_train", "Pairs", "Training pairs"), ...scoreColumns(rows), ...costColumnsOfRun(),
  ];
}

// Runs that differ in nothing but their seeds are one point.
function points() {
  const found = new Map();
  for (const run of DATA.runs) {
    if (!found.has(run.point)) found.set(run.point, []);
    found.get(run.point).push(run);
  }
  return [...found.values()].map((runs) => ({
    ...runs[0], runs,
    train_seconds: median(runs.map((run) => run.train_seconds)),
    peak_memory_bytes: median(runs.map((run) => run.peak_memory_bytes)),
  }));
}

function pointColumns(rows) {
  const [first, ...others] = settingColumns();
  const seeds = (row) => new Set(row.runs.map((run) => run.seed)).size;
  const value = (name) => (row) => row.runs.map((run) => run.scores[name]?.[0]).filter((each) => typeof each === "number");
  const spread = (values, decimals) => (values.length < 2 ? number(mean(values), decimals)
    : `${number(mean(values), decimals)} ± ${number(standardDeviation(values), decimals)}`);
  const scores = scoreColumns(rows).map((column) => ({
    ...column, value: (row) => mean(value(column.name)(row)),
    show: (row) => spread(value(column.name)(row), column.decimals),
  }));
  const [method] = others.splice(1, 1);
  return [
    method, first, ...others, countColumn("n_train", "Pairs", "Training pairs"),
    { key: "runs", label: "Runs", numeric: true, value: (row) => row.runs.length },
    { key: "seeds", label: "Seeds", numeric: true, title: "Different seeds", value: seeds },
    ...scores, ...costColumnsOfRun(),
    { key: "ids", label: "Which", value: (row) => row.runs[0].run_id,
      show: (row) => row.runs.map((run) => [runLink(run.position), " "]).flat() },
  ];
}

function scoreColumns(rows) {
  const used = new Set(rows.flatMap((run) => Object.keys(run.scores)));
  return DATA.metrics.filter(({ name }) => used.has(name)).map(({ name, decimals, less_is_better: less }) => ({
    key: `score ${name}`, name, decimals, label: less ? `${name} ↓` : name, numeric: true,
    title: less ? `${name}: less is better` : name,
    value: (run) => run.scores[name]?.[0] ?? null,
    show: (run) => number(run.scores[name]?.[0], decimals),
  }));
}

const RUN_FACETS = [
  { label: "Task", value: (run) => run.task }, { label: "Model", value: (run) => run.model },
  { label: "Method", value: (run) => run.method }, { label: "Init", value: (run) => run.init ?? NOTHING },
  { label: "Length", value: (run) => run.prefix_len ?? NOTHING }, { label: "Profile", value: (run) => run.profile },
  { label: "Data", value: (run) => run.data_source },
];

function runText(run) {
  return [run.name, run.label, run.task, run.profile, run.data_source, run.split, run.command].join(" ");
}

function showRuns(place) {
  const shared = { facets: RUN_FACETS, search: (row) => runText(row) };
  const views = {
    runs: () => new DataTable({ ...shared, label: "Every run", rows: DATA.runs, columns: runColumns }),
    points: () => new DataTable({ ...shared, label: "Every setting", rows: points(), columns: pointColumns,
      note: "mean ± standard deviation over runs that differ in their seeds alone; medians of times and memory" }),
  };
  const box = element("div");
  const open = (name) => box.replaceChildren(views[name]().root);
  const options = [{ value: "runs", text: "runs" }, { value: "points", text: "settings, over their seeds" }];
  open("runs");
  place.append(element("div", { class: "controls" }, labelled("One row for each of the", choice(options, "runs", open))), box);
}

function showRun(place, parameters) {
  const run = DATA.runs.find(({ name }) => name === parameters.get("id"));
  if (!run) {
    place.replaceChildren(element("p", {}, "There is no such run in this report."));
    return;
  }
  place.replaceChildren(
    element("h2", { id: "run-title", tabindex: "-1" }, run.label),
    element("p", { class: "lead" }, run.verdict), runActions(run),
    element("h3", {}, "Scores"), scoreTable(run),
    element("h3", {}, "Setting"), settingFacts(run),
    element("h3", {}, "Cost"), costFacts(run),
    element("h3", {}, "Provenance"), provenanceFacts(run),
  );
}

function runActions(run) {
  const sets = DATA.sets.filter((set) => set.outputs[run.position]);
  const hrefs = sets.map((set) => `#examples?set=${encodeURIComponent(set.name)}&runs=${encodeURIComponent(run.name)}`);
  return element("p", { class: "actions" }, element("a", { href: "#runs" }, "All runs"),
    hrefs.map((href) => element("a", { href }, "Its outputs")));
}

function scoreTable(run) {
  const known = new Map(DATA.metrics.map((metric) => [metric.name, metric]));
  const lines = DATA.metrics.filter(({ name }) => run.scores[name]).map(({ name }) => {
    const [value, signature, reason] = run.scores[name];
    return element("tr", {}, element("th", { scope: "row" }, name),
      element("td", { class: "number" }, number(value, known.get(name).decimals + 2)),
      element("td", { class: "wide" }, element("code", {}, DATA.signatures[signature]), reason ? ` ${reason}` : ""));
  });
  const head = element("tr", {}, ["Score", "Value", "Signature"].map((text, position) =>
    element("th", { scope: "col", class: position === 1 ? "number" : null }, text)));
  return scrolling("Scores of this run", element("table", {}, element("thead", {}, head), element("tbody", {}, lines)));
}

function settingFacts(run) {
  const of = (part, whole) => (whole && whole !== part ? `${number(part)} of ${number(whole)}` : number(part));
  const settings = Object.entries(run.settings).map(([name, position]) => [name, DATA.values[position]]);
  return element("div", {}, definitions([
    ["Task", run.task], ["Model", run.model], ["Method", run.method], ["Prefix length", run.prefix_len],
    ["Init", run.init], ["Seed", run.seed], ["Subsample seed", run.subsample_seed], ["Profile", run.profile],
    ["Data", run.data_source], ["Training pairs", of(run.n_train, run.n_train_available)],
    [`Inputs (${run.split})`, of(run.n_inputs, run.n_inputs_available)],
  ]), element("details", {}, element("summary", {}, "Every setting"),
    element("pre", { tabindex: "0" }, JSON.stringify(Object.fromEntries(settings), null, 2))));
}

function costFacts(run) {
  const speed = run.train_seconds ? run.train_tokens / run.train_seconds : null;
  return definitions([
    ["Training", duration(run.train_seconds)], ["Training tokens", number(run.train_tokens)],
    ["Tokens a second", number(speed)], ["Decoding", duration(run.decode_seconds)],
    ["Peak memory", bytes(run.peak_memory_bytes)], ["Trained", number(run.trained)],
    ["Stored", number(run.stored)], ["Stored, of the model", share(run.stored, run.total)], ["Model", number(run.total)],
  ]);
}

function provenanceFacts(run) {
  const environment = DATA.environments[run.environment];
  return element("div", {},
    element("pre", { class: "command", tabindex: "0" }, run.command || "command not recorded"),
    definitions([["Finished", run.time], ["Directory", run.directory], ["Environment", environment.label],
      ["Model files", DATA.backbones[run.backbone]?.files], ["SHA-256", DATA.backbones[run.backbone]?.sha256]]),
    element("p", {}, element("a", { href: "#provenance" }, "Environments and data files")));
}
