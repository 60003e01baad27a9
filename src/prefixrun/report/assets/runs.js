// The table of every run, and the page of one run.

function runLink(position) {
  const run = DATA.runs[position];
  return element("a", { href: `#run?id=${encodeURIComponent(run.name)}`, class: "id", title: run.name }, run.run_id);
}

function runColumns(rows) {
  const plain = (key, label, options = {}) => ({ key, label, value: (run) => run[key], ...options });
  const count = (key, label, title) => plain(key, label, { numeric: true, title, show: (run) => number(run[key]) });
  return [
    { key: "name", label: "Run", value: (run) => run.run_id, show: (run) => runLink(run.position) },
    plain("task", "Task"), plain("model", "Model"), plain("method", "Method"),
    plain("prefix_len", "Length", { numeric: true, title: "Prefix length" }),
    plain("init", "Init"), plain("seed", "Seed", { numeric: true }),
    plain("subsample_seed", "Subsample", { numeric: true, title: "Seed of the training subset" }),
    count("n_train", "Pairs", "Training pairs"),
    ...scoreColumns(rows),
    count("trained", "Trained", "Parameters that are trained"),
    count("stored", "Stored", "Numbers that are stored after training"),
    plain("train_seconds", "Training", { numeric: true, show: (run) => duration(run.train_seconds) }),
    plain("peak_memory_bytes", "Memory", { numeric: true, title: "Peak", show: (run) => bytes(run.peak_memory_bytes) }),
    plain("data_source", "Data"), plain("verdict", "Beside the paper"),
  ];
}

function scoreColumns(rows) {
  const used = new Set(rows.flatMap((run) => Object.keys(run.scores)));
  return DATA.metrics.filter(({ name }) => used.has(name)).map(({ name, decimals, less_is_better: less }) => ({
    key: `score ${name}`, label: less ? `${name} ↓` : name, numeric: true,
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
  place.append(new DataTable({
    label: "Every run", rows: DATA.runs, columns: runColumns, facets: RUN_FACETS, search: runText,
  }).root);
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
    ["Stored", `${number(run.stored)} (${share(run.stored, run.total)} of the model)`], ["Model", number(run.total)],
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
