// The browser of examples: one input, its references, and what several runs wrote for it.

const MOST_RUNS = 6; // side by side
const LISTED = 100; // entries of the list of inputs that are drawn around the current one

const letter = (column) => String.fromCharCode(65 + column);

class Examples {
  constructor(data, section) {
    Object.assign(this, { names: data.runs, sets: data.sets, section });
    this.form = this.find("#example-controls").elements;
    this.fill("set", this.sets.map(({ name, title }) => [name, title]));
    this.open(this.sets[0], []);
    const redraw = (action = () => {}) => () => { action(); this.draw(true); };
    this.form.set.onchange = redraw(() => this.open(this.sets.find(({ name }) => name === this.form.set.value), []));
    this.form.add.onchange = redraw(() => this.chosen.push(Number(this.form.add.value)));
    this.form.sort.onchange = redraw(() => { this.current = -1; });
    this.form.search.oninput = redraw();
    this.form.marks.onchange = redraw();
    this.find(".previous").onclick = () => this.step(-1);
    this.find(".next").onclick = () => this.step(1);
    document.addEventListener("keydown", (event) => {
      if (section.hidden || event.ctrlKey || event.metaKey || event.altKey) return;
      const by = event.target.closest("input, select") ? 0 : { j: 1, k: -1 }[event.key];
      if (by) this.step(by);
    });
  }

  find(selector) { return this.section.querySelector(selector); }

  fill(name, options) {
    const before = this.form[name].value;
    this.form[name].replaceChildren(...options.map(([value, text]) => make("option", { value }, text)));
    if (options.some(([value]) => value === before)) this.form[name].value = before;
    this.form[name].parentElement.hidden = options.length < 2;
  }

  open(set, names) {
    this.set = set;
    this.current = 0;
    const positions = names.map((name) => this.names.findIndex((run) => run.name === name));
    const asked = positions.filter((run) => run in set.outputs);
    this.chosen = asked.length ? asked.slice(0, MOST_RUNS) : [...set.start];
  }

  show(parameters) {
    const set = this.sets.find(({ name }) => name === parameters.get("set")) || this.set;
    const names = (parameters.get("runs") || "").split(",").filter(Boolean);
    if (set !== this.set || names.length) this.open(set, names);
    this.current = Math.max(0, set.ids.indexOf(parameters.get("id") ?? set.ids[this.current]));
    this.draw(false);
  }

  // null where the run was not scored on this input
  output(run, position) { return this.set.texts[this.set.outputs[run][position]] ?? null; }
  references(position) { return (this.set.references?.[position] || []).map((text) => this.set.texts[text]); }
  input(position) { return this.set.inputs ? this.set.texts[this.set.inputs[position]] : null; }
  score(run, position) { return this.set.per_example?.values[run]?.[position] ?? null; }

  // [value, text, key(position)]: the inputs with the least key come first
  sorts() {
    const [a, b] = this.chosen;
    const { name, less_is_better: less, values = {} } = this.set.per_example || {};
    const sign = less ? -1 : 1;
    const of = (combine, ...runs) => (position) => {
      const scores = runs.map((run) => this.score(run, position));
      return scores.includes(null) ? null : sign * combine(...scores);
    };
    const changed = (position) => {
      const texts = [this.output(a, position), this.output(b, position)];
      return texts.includes(null) ? null : -distance(...texts);
    };
    return [["order", "order of the corpus", (position) => position],
      a in values && ["low", `${name} of A, ${less ? "highest" : "lowest"} first`, of((x) => x, a)],
      b !== undefined && ["words", "most words changed, A to B", changed],
      a in values && b in values && ["better", `${name}: B better than A`, of((x, y) => x - y, a, b)],
      a in values && b in values && ["worse", `${name}: B worse than A`, of((x, y) => y - x, a, b)]].filter(Boolean);
  }

  // Positions of the inputs that the search finds, in order.
  order() {
    const [, , key] = this.sorts().find(([value]) => value === this.form.sort.value);
    const texts = (position) => [this.set.ids[position], this.input(position), ...this.references(position),
      ...this.chosen.map((run) => this.output(run, position))];
    const fits = (position) => matches(texts(position).join(" \n "), this.form.search.value);
    const compare = ordering(true, 1);
    return this.set.ids.map((_, position) => [position, key(position)]).filter(([position]) => fits(position))
      .sort(([p, a], [q, b]) => compare(a, b) || p - q).map(([position]) => position);
  }

  draw(hasMoved) {
    const others = Object.keys(this.set.outputs).filter((run) => !this.chosen.includes(Number(run)));
    const more = this.chosen.length < MOST_RUNS ? others.map((run) => [run, this.names[run].label]) : [];
    this.form.set.value = this.set.name;
    this.fill("sort", this.sorts());
    this.fill("add", [["", `one of ${more.length}`], ...more]);
    this.form.add.value = "";
    this.form.marks.options[2].disabled = !this.set.references;
    this.find(".shown").textContent = this.set.shown;
    this.list = this.order();
    if (!this.list.includes(this.current) && this.list.length) [this.current] = this.list;
    this.drawCurrent(hasMoved);
  }

  drawCurrent(hasMoved) {
    const position = this.current;
    const where = this.list.indexOf(position);
    const references = this.references(position);
    const input = this.input(position);
    this.find(".example").hidden = !this.list.length;
    this.drawList(where);
    this.find(".previous").disabled = where <= 0;
    this.find(".next").disabled = where === this.list.length - 1;
    const group = this.set.groups?.[position];
    this.find(".stepper p").replaceChildren(make("strong", {}, this.set.ids[position]), group ? ` · ${group}` : "",
      ` · ${where + 1} of ${this.list.length}`);
    this.find(".source").textContent = input ?? this.set.note;
    this.drawReferences(references, position);
    this.find(".outputs").replaceChildren(...this.chosen.map((run, column) => this.column(run, column, position)));
    const first = `A (${this.names[this.chosen[0]].label})`;
    const what = { runs: first, references: "the nearest reference", none: null }[this.marks(references)];
    this.find(".legend").hidden = what === null;
    this.find(".legend span").textContent = what;
    if (hasMoved) { // the address of what is shown, so that it can be sent to somebody
      const runs = this.chosen.map((run) => this.names[run].name).join(",");
      const shown = new URLSearchParams({ set: this.set.name, id: this.set.ids[position], runs });
      history.replaceState(null, "", `#examples?${shown}`);
    }
  }

  step(by) { this.go(this.list[this.list.indexOf(this.current) + by] ?? this.current); }

  go(position) {
    this.current = position;
    this.drawCurrent(true);
  }

  // The list is one stop of the tab key; arrows go through it and take the focus along.
  arrow(event) {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!by) return;
    event.preventDefault();
    this.step(by);
    this.find(".inputs [aria-current]")?.focus();
  }

  drawList(where) {
    const start = Math.max(0, Math.min(where - LISTED / 2, this.list.length - LISTED));
    const texts = (position) => this.input(position) ?? this.output(this.chosen[0], position) ?? "";
    const items = this.list.slice(start, start + LISTED).map((position) => make("li", {}, make("button",
      { type: "button", "aria-current": position === this.current && "true",
        tabindex: position === this.current ? 0 : -1, onclick: () => this.go(position), onkeydown: (event) => this.arrow(event) },
      make("span", { class: "id" }, this.set.ids[position]),
      make("span", { class: "excerpt", dir: "auto" }, texts(position).slice(0, 200)))));
    const rest = this.list.length - items.length;
    const box = this.find(".inputs ol");
    box.replaceChildren(...items);
    this.find(".inputs p").textContent = !items.length ? "No input fits the search."
      : rest > 0 ? `${rest} more: step on, search or sort` : "";
    const active = box.querySelector("[aria-current]");
    if (active) box.scrollTop = active.offsetTop - box.clientHeight / 2;
  }

  drawReferences(references, position) {
    const outputs = this.chosen.map((run) => this.output(run, position));
    const near = outputs.map((text) => (text === null ? -1 : nearest(text, references)));
    const letters = (at) => near.flatMap((best, column) => (best === at ? letter(column) : [])).join(", ");
    const box = this.find(".references");
    box.hidden = !references.length;
    box.open = references.length <= 3;
    box.querySelector("summary").textContent = `References: ${references.length}`;
    box.querySelector("ol").replaceChildren(...references.map((text, at) => make("li", { dir: "auto" }, text,
      letters(at) && make("span", { class: "tag" }, ` nearest to ${letters(at)}`))));
  }

  column(run, column, position) {
    const text = this.output(run, position);
    const score = this.score(run, position);
    const remove = make("button", { type: "button", class: "remove", "aria-label": `Do not show ${letter(column)}`,
      hidden: this.chosen.length < 2, onclick: () => { this.chosen.splice(column, 1); this.draw(true); } }, "×");
    const { name, label } = this.names[run];
    const head = make("h3", {}, make("span", { class: "letter" }, letter(column)), " ",
      make("a", { href: `#run-${encodeURIComponent(name)}` }, label));
    const nothing = text === null ? "(not among the inputs of this run)" : text === "" ? "(empty)" : null;
    return make("article", {}, make("div", { class: "head" }, head, remove),
      make("p", { dir: "auto", class: "output" }, nothing ? make("em", {}, nothing) : this.marked(text, column)),
      make("p", { class: "note" }, score === null ? "" : `${this.set.per_example.name} ${score.toFixed(1)}`));
  }

  // What outputs are compared with: "runs" (the first one), "references" (the nearest) or "none".
  marks(references) {
    const asked = this.form.marks.value;
    if (asked !== "auto" && (asked !== "references" || references.length)) return asked;
    return this.chosen.length > 1 ? "runs" : references.length ? "references" : "none";
  }

  marked(text, column) {
    const references = this.references(this.current);
    const marks = this.marks(references);
    const other = marks === "references" ? references[nearest(text, references)]
      : marks === "runs" && column ? this.output(this.chosen[0], this.current) : null;
    const steps = other === null ? null : difference(words(other), words(text));
    return steps === null ? text : steps.map(({ kind, word }) => (kind === "both" ? word.before + word.text
      : [word.before || " ", make(kind === "second" ? "ins" : "del", {}, word.text)]));
  }
}
