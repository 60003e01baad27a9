// The browser of examples: one input, its references, and what several runs wrote for it.

const MOST_RUNS = 6; // side by side
const LISTED = 100; // entries of the list of inputs that are drawn around the current one

class Examples {
  constructor(place) {
    this.place = place;
    this.sets = DATA.sets;
    this.query = "";
    this.sort = "order";
    this.marks = "auto";
    this.open(this.sets[0], []);
  }

  open(set, names) {
    this.set = set;
    const having = Object.keys(set.outputs).map(Number);
    const asked = names.map((name) => having.find((position) => DATA.runs[position].name === name));
    this.chosen = asked.filter((position) => position !== undefined).slice(0, MOST_RUNS);
    if (!this.chosen.length) this.chosen = contrast(having);
    this.current = 0;
    if (this.sort !== "order" && !this.sorts().some(({ value }) => value === this.sort)) this.sort = "order";
  }

  show(parameters) {
    const set = this.sets.find(({ name }) => name === parameters.get("set")) || this.set;
    const names = (parameters.get("runs") || "").split(",").filter(Boolean);
    if (set !== this.set || names.length) this.open(set, names);
    const asked = set.ids.indexOf(parameters.get("id"));
    if (asked >= 0) this.current = asked;
    this.draw();
  }

  // The address of what is shown, so that it can be sent to somebody.
  address() {
    const runs = this.chosen.map((position) => DATA.runs[position].name).join(",");
    const fields = { set: this.set.name, id: this.set.ids[this.current], runs };
    return `#examples?${new URLSearchParams(fields)}`;
  }

  // null where the run was not scored on this input
  output(run, position) { return this.set.texts[this.set.outputs[run][position]] ?? null; }

  references(position) { return (this.set.references?.[position] || []).map((text) => this.set.texts[text]); }

  input(position) { return this.set.inputs ? this.set.texts[this.set.inputs[position]] : null; }

  sorts() {
    const [first, second] = this.chosen;
    const options = [{ value: "order", text: "order of the corpus", key: (position) => position }];
    const scored = this.set.per_example;
    const score = (run, position) => scored.values[run]?.[position] ?? null;
    if (first !== undefined && scored?.values[first]) {
      const [end, by] = scored.less_is_better ? ["highest", -1] : ["lowest", 1];
      const key = (position) => (score(first, position) === null ? null : by * score(first, position));
      options.push({ value: "low", text: `${scored.name} of A, ${end} first`, key });
    }
    if (second !== undefined) {
      options.push({ value: "words", text: "most words changed, A to B",
        key: (position) => this.changed(first, second, position) });
    }
    if (second !== undefined && scored?.values[first] && scored?.values[second]) {
      const sign = scored.less_is_better ? -1 : 1;
      const gain = (by) => (position) => {
        const [a, b] = [score(first, position), score(second, position)];
        return a === null || b === null ? null : by * sign * (b - a);
      };
      options.push({ value: "better", text: `${scored.name}: B better than A`, key: gain(-1) });
      options.push({ value: "worse", text: `${scored.name}: B worse than A`, key: gain(1) });
    }
    return options;
  }

  changed(first, second, position) {
    const [a, b] = [this.output(first, position), this.output(second, position)];
    return a === null || b === null ? null : -distance(a, b);
  }

  order() {
    const option = this.sorts().find(({ value }) => value === this.sort);
    const all = this.set.ids.map((_, position) => position).filter((position) => this.fits(position));
    return option && option.value !== "order" ? sorted(all, option.key, false) : all;
  }

  fits(position) {
    if (!this.query) return true;
    const texts = [this.set.ids[position], this.input(position) || "", ...this.references(position),
      ...this.chosen.map((run) => this.output(run, position) || "")];
    return matches(texts.join(" \n "), this.query);
  }

  draw() {
    this.list = this.order();
    if (!this.list.includes(this.current) && this.list.length) [this.current] = this.list;
    this.detail = element("div", { class: "example", "aria-live": "polite" });
    this.panel = element("nav", { class: "inputs", "aria-label": "Inputs" });
    this.place.replaceChildren(this.controls(), element("div", { class: "browser" }, this.panel, this.detail));
    this.drawCurrent();
  }

  drawCurrent() {
    this.drawPanel();
    if (!this.list.length) {
      this.detail.replaceChildren(element("p", { class: "empty" }, "No input fits the search."));
      return;
    }
    const position = this.current;
    const input = this.input(position);
    const references = this.references(position);
    this.detail.replaceChildren(
      this.stepper(),
      input === null ? element("p", { class: "note" }, this.set.note)
        : element("div", { class: "text" }, element("h3", {}, "Input"), element("p", { dir: "auto" }, input)),
      references.length ? this.referenceList(references, position) : "",
      element("div", { class: "outputs" }, this.chosen.map((run, column) => this.column(run, column, position))),
      this.legend(references));
  }

  stepper() {
    const where = this.list.indexOf(this.current);
    const group = this.set.groups?.[this.current];
    return element("div", { class: "stepper" },
      element("button", { type: "button", class: "previous", disabled: where === 0,
        "aria-keyshortcuts": "k", onclick: () => this.step(-1) }, "Previous"),
      element("p", {}, element("strong", {}, this.set.ids[this.current]), group ? ` · ${group}` : "",
        ` · ${number(where + 1)} of ${number(this.list.length)}`),
      element("button", { type: "button", class: "next", disabled: where === this.list.length - 1,
        "aria-keyshortcuts": "j", onclick: () => this.step(1) }, "Next"));
  }

  step(by) {
    const next = this.list[this.list.indexOf(this.current) + by];
    if (next === undefined) return;
    const focused = document.activeElement?.className;
    this.go(next);
    const button = focused && this.detail.querySelector(`button.${focused.split(" ")[0]}`);
    if (button && !button.disabled) button.focus();
  }

  go(position) {
    this.current = position;
    this.drawCurrent();
    history.replaceState(null, "", this.address());
  }

  drawPanel() {
    const where = Math.max(0, this.list.indexOf(this.current));
    const start = Math.max(0, Math.min(where - LISTED / 2, this.list.length - LISTED));
    const items = this.list.slice(start, start + LISTED).map((position) => element("li", {},
      element("button", { type: "button", "aria-current": position === this.current ? "true" : null,
        onclick: () => this.go(position) },
      element("span", { class: "id" }, this.set.ids[position]), element("span", { dir: "auto" }, this.excerpt(position)))));
    const rest = this.list.length - items.length;
    this.panel.replaceChildren(element("ol", { start: start + 1 }, items),
      rest > 0 ? element("p", { class: "note" }, `${number(rest)} more: step on, search or sort`) : "");
    const active = this.panel.querySelector("[aria-current]");
    const box = this.panel.firstChild;
    if (active) box.scrollTop = active.offsetTop - box.clientHeight / 2;
  }

  excerpt(position) {
    const text = this.input(position) ?? this.output(this.chosen[0], position) ?? "";
    return text.length > 90 ? `${text.slice(0, 90).replace(/[\ud800-\udbff]$/, "")}…` : text;
  }

  referenceList(references, position) {
    const close = new Map();
    this.chosen.forEach((run, column) => {
      const text = this.output(run, position);
      if (text === null) return;
      const best = nearest(text, references);
      close.set(best, [...(close.get(best) || []), letter(column)]);
    });
    const items = references.map((text, order) => element("li", { dir: "auto" }, text,
      close.has(order) ? element("span", { class: "tag" }, ` nearest to ${close.get(order).join(", ")}`) : ""));
    return element("details", { class: "text", open: references.length <= 3 || null },
      element("summary", {}, references.length === 1 ? "1 reference" : `${references.length} references`),
      element("ol", {}, items));
  }

  column(run, column, position) {
    const text = this.output(run, position);
    const score = this.set.per_example?.values[run]?.[position];
    const remove = this.chosen.length > 1 ? element("button", { type: "button", class: "remove",
      "aria-label": `Do not show ${letter(column)}`, onclick: () => this.choose(this.chosen.filter((each) => each !== run)) },
    "×") : null;
    const head = element("h3", {}, element("span", { class: "letter" }, letter(column)), " ",
      element("a", { href: `#run?id=${encodeURIComponent(DATA.runs[run].name)}` }, DATA.runs[run].label));
    const nothing = text === null ? "(not among the inputs of this run)" : text === "" ? "(empty)" : null;
    const shown = element("p", { dir: "auto", class: "output" }, nothing ? element("em", {}, nothing)
      : this.marked(text, column, position));
    const value = score === undefined || score === null ? ""
      : element("p", { class: "note" }, `${this.set.per_example.name} ${number(score, 1)}`);
    return element("article", {}, element("div", { class: "head" }, head, remove), shown, value);
  }

  // What an output is compared with: null for nothing.
  against(text, column, position) {
    const references = this.references(position);
    if (this.marksNow(references) === "runs") return column === 0 ? null : this.output(this.chosen[0], position);
    if (this.marksNow(references) === "references") return references[nearest(text, references)];
    return null;
  }

  marksNow(references) {
    if (this.marks !== "auto" && !(this.marks === "references" && !references.length)) return this.marks;
    return this.chosen.length > 1 ? "runs" : references.length ? "references" : "none";
  }

  marked(text, column, position) {
    const other = this.against(text, column, position);
    const steps = other === null ? null : difference(words(other), words(text));
    if (steps === null) return text;
    return steps.map(({ kind, word }) => {
      if (kind === "both") return word.before + word.text;
      return [word.before || " ", element(kind === "second" ? "ins" : "del", {}, word.text)];
    });
  }

  legend(references) {
    const against = { runs: `A (${DATA.runs[this.chosen[0]].label})`, references: "the nearest reference" };
    const what = against[this.marksNow(references)];
    return what ? element("p", { class: "note legend" }, "Compared with ", what, ": ",
      element("ins", {}, "only here"), " ", element("del", {}, "only there")) : "";
  }

  choose(runs) {
    this.chosen = runs;
    this.draw();
    history.replaceState(null, "", this.address());
  }

  controls() {
    const redraw = (change) => (value) => { change(value); this.draw(); };
    const sets = this.sets.map(({ name, title }) => ({ value: name, text: title }));
    const open = (name) => {
      this.open(this.sets.find((set) => set.name === name), []);
      this.draw();
      history.replaceState(null, "", this.address());
    };
    const pick = Object.keys(this.set.outputs).map(Number).filter((run) => !this.chosen.includes(run));
    const runs = pick.map((run) => ({ value: String(run), text: DATA.runs[run].label }));
    const add = runs.length && this.chosen.length < MOST_RUNS ? labelled("Add a run",
      choice([{ value: "", text: `one of ${number(runs.length)}` }, ...runs], "",
        (run) => run && this.choose([...this.chosen, Number(run)]))) : null;
    const marks = [{ value: "auto", text: "automatic" }, { value: "runs", text: "B and others against A" },
      { value: "references", text: "against the nearest reference" }, { value: "none", text: "none" }]
      .filter(({ value }) => value !== "references" || this.set.references);
    const search = element("input", { type: "search", value: this.query });
    search.addEventListener("input", () => {
      this.query = search.value;
      this.list = this.order();
      if (!this.list.includes(this.current) && this.list.length) [this.current] = this.list;
      this.drawCurrent();
    });
    return element("div", {}, element("div", { class: "controls" },
      sets.length > 1 ? labelled("Inputs of", choice(sets, this.set.name, open)) : null,
      labelled("Search", search), add,
      labelled("Sort by", choice(this.sorts(), this.sort, redraw((value) => { this.sort = value; this.current = -1; }))),
      labelled("Differences", choice(marks, this.marks, redraw((value) => { this.marks = value; })))),
    element("p", { class: "note" }, this.set.shown));
  }
}

// Two runs to begin with: one of the paper's method and one of another, as alike as there are.
function contrast(positions) {
  const of = (position) => DATA.runs[position];
  const first = positions.find((position) => of(position).method === "prefix") ?? positions[0];
  const alike = (position) => ["model", "n_train", "subsample_seed", "seed"]
    .filter((name) => of(position)[name] === of(first)[name]).length;
  const others = positions.filter((position) => position !== first);
  const different = others.filter((position) => of(position).method !== of(first).method);
  const [second] = sorted(different.length ? different : others, alike, true);
  return second === undefined ? [first] : [first, second];
}

function letter(column) { return String.fromCharCode(65 + column); }

function showExamples(place) {
  if (!DATA.sets.length) {
    place.append(element("p", {}, "No run in this report has outputs beside its result."));
    return null;
  }
  const browser = new Examples(place);
  document.addEventListener("keydown", (event) => {
    if (place.closest("section").hidden || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input, select, textarea")) return;
    if (event.key === "j") browser.step(1);
    if (event.key === "k") browser.step(-1);
  });
  return browser;
}
