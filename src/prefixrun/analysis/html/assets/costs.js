// What runs cost, by setting, and what they ran on.

function groups(rows, keys) {
  const found = new Map();
  for (const row of rows) {
    const key = JSON.stringify(keys.map((name) => row[name]));
    if (!found.has(key)) found.set(key, { ...Object.fromEntries(keys.map((name) => [name, row[name]])), runs: [] });
    found.get(key).runs.push(row);
  }
  return [...found.values()];
}

// What makes two runs cost the same: medians are of runs that share all of this.
const COST_SETTING = ["method", "task", "model", "prefix_len", "n_train", "trained", "stored", "total", "train_steps",
  "precision", "machine"];

function costOf({ runs, ...setting }) {
  const middle = (value) => median(runs.map(value));
  const ratio = (part, whole) => (run) => (run[part] === null || !run[whole] ? null : run[part] / run[whole]);
  return {
    ...setting, runs: runs.length,
    seconds: middle((run) => run.train_seconds), tokens: middle((run) => run.train_tokens),
    speed: middle(ratio("train_tokens", "train_seconds")), decoding: middle(ratio("decode_seconds", "n_inputs")),
    memory: middle((run) => run.peak_memory_bytes),
  };
}

function costColumns() {
  const plain = (key, label, show, title) => ({
    key, label, title, numeric: true, value: (row) => row[key], show: (row) => show(row[key], row),
  });
  return [
    { key: "method", label: "Method", value: (row) => row.method },
    { key: "task", label: "Task", value: (row) => row.task }, { key: "model", label: "Model", value: (row) => row.model },
    plain("prefix_len", "Length", (value) => (value === null ? NOTHING : number(value))),
    plain("n_train", "Pairs", (value) => number(value), "Training pairs"),
    plain("train_steps", "Steps", (value) => number(value), "Optimiser steps"),
    { key: "precision", label: "Format", title: "Number format of the model", value: (row) => row.precision },
    plain("runs", "Runs", (value) => number(value)),
    plain("trained", "Trained", (value) => number(value)), plain("stored", "Stored", (value) => number(value)),
    plain("share", "Stored, % of model", (_, row) => share(row.stored, row.total)),
    plain("seconds", "Training", duration), plain("tokens", "Tokens", (value) => number(value)),
    plain("speed", "Tokens/s", (value) => number(value)),
    plain("decoding", "Decoding/input", duration), plain("memory", "Peak memory", bytes),
    { key: "machine", label: "Machine", wide: true, value: (row) => row.machine },
  ].map((column) => (column.key === "share" ? { ...column, value: (row) => row.stored / row.total } : column));
}

function showCosts(place) {
  const rows = DATA.runs.map((run) => ({ ...run, machine: DATA.environments[run.environment].machine }));
  place.append(new DataTable({
    label: "Costs by setting", rows: groups(rows, COST_SETTING).map(costOf), columns: costColumns,
    note: "medians over the runs of a setting",
    facets: ["task", "method", "model", "machine"].map((name) =>
      ({ label: name[0].toUpperCase() + name.slice(1), value: (row) => row[name] })),
  }).root);
}

function showProvenance(place) {
  const text = (key, label, options = {}) => ({ key, label, value: (row) => row[key], ...options });
  const runs = (row) => number(row.runs);
  const count = text("runs", "Runs", { numeric: true, show: runs });
  const hash = text("sha256", "SHA-256", { show: (row) => row.sha256 && element("code", {}, row.sha256) });
  const table = (title, rows, columns, search = null) => [element("h3", {}, title),
    rows.length ? new DataTable({ label: title, rows, columns: () => columns, search }).root : element("p", {}, "none")];
  place.append(
    ...table("Environments", DATA.environments, [text("label", "Environment"), count, text("commit", "Commit"),
      text("prefixrun", "prefixrun"), text("semantics", "Semantics", { numeric: true }), text("python", "Python"),
      text("machine", "Machine", { wide: true }), text("packages", "Packages", { wide: true })]),
    ...table("Models", DATA.backbones, [text("files", "Files", { wide: true }), count, hash]),
    ...table("Data files", DATA.data_files, [text("name", "File"), text("task", "Task"), text("split", "Part"),
      text("version", "Version"), text("records", "Records", { numeric: true, show: (row) => number(row.records) }),
      count, hash]),
    ...table("Commands", DATA.runs, [
      { key: "name", label: "Run", value: (run) => run.run_id, show: (run) => runLink(run.position) },
      text("time", "Finished"), text("environment", "Environment",
        { show: (run) => DATA.environments[run.environment].label }),
      text("command", "Command", { wide: true, show: (run) => element("code", {}, run.command || "") }),
    ], runText));
}
