// Tables that sort, filter and page: rows stay data, and only the rows in sight become elements.

const COLLATOR = new Intl.Collator("en", { numeric: true });

// Empty values stand last in both directions.
function compare(a, b, descending) {
  const missing = (value) => value === null || value === undefined || value === "";
  if (missing(a) || missing(b)) return Number(missing(a)) - Number(missing(b));
  const order = typeof a === "number" && typeof b === "number" ? a - b : COLLATOR.compare(String(a), String(b));
  return descending ? -order : order;
}

function sorted(rows, value, descending) {
  return rows
    .map((row, position) => ({ row, position, key: value(row) }))
    .sort((a, b) => compare(a.key, b.key, descending) || a.position - b.position)
    .map(({ row }) => row);
}

// Every word of the query occurs in the text.
function matches(text, query) {
  const lower = text.toLowerCase();
  return query.toLowerCase().split(/\s+/).every((part) => lower.includes(part));
}

/* One table.
 * columns(rows): [{key, label, title, numeric, value(row), show(row)}] for the rows that passed the filters;
 * facets: [{label, value(row)}]; search(row): the text that the search box looks in. */
class DataTable {
  constructor({ label, rows, columns, facets = [], search = null, pageSize = 50, note = null }) {
    Object.assign(this, { label, rows, columns, search, note, pageSize });
    this.facets = facets.filter(({ value }) => new Set(rows.map(value)).size > 1);
    this.chosen = new Map();
    this.query = "";
    this.sort = null;
    this.page = 0;
    this.body = element("div");
    this.root = element("div", { class: "datatable" }, this.controls(), this.body);
    this.draw();
  }

  controls() {
    const redraw = (change) => (value) => { change(value); this.page = 0; this.draw(); };
    const selects = this.facets.map(({ label, value }) => {
      const counts = new Map();
      for (const row of this.rows) counts.set(value(row), (counts.get(value(row)) || 0) + 1);
      const known = [...counts.keys()].sort((a, b) => compare(a, b, false));
      const options = known.map((each) => ({ value: String(each), text: `${each} (${number(counts.get(each))})` }));
      const change = redraw((chosen) => { this.chosen.set(label, chosen); });
      return labelled(label, choice([{ value: "", text: "all" }, ...options], "", change));
    });
    const change = redraw((value) => { this.query = value; });
    const box = this.search === null ? null
      : labelled("Search", element("input", { type: "search", oninput: (event) => change(event.target.value) }));
    return element("div", { class: "controls", role: "search", "aria-label": `Filter: ${this.label}` }, box, selects);
  }

  filtered() {
    return this.rows.filter((row) =>
      this.facets.every(({ label, value }) => !this.chosen.get(label) || String(value(row)) === this.chosen.get(label))
      && (!this.query || matches(this.search(row), this.query)));
  }

  draw() {
    const kept = this.filtered();
    const columns = this.columns(kept);
    const by = this.sort && columns.find(({ key }) => key === this.sort.key);
    const ordered = by ? sorted(kept, by.value, this.sort.descending) : kept;
    const start = Math.min(this.page * this.pageSize, Math.max(0, ordered.length - 1));
    const shown = ordered.slice(start, start + this.pageSize);
    const head = element("tr", {}, columns.map((column) => this.header(column)));
    const lines = shown.map((row) => element("tr", {}, columns.map((column, position) => cell(column, row, position))));
    const table = element("table", {}, element("caption", { class: "sr" }, this.label),
      element("thead", {}, head), element("tbody", {}, lines));
    const box = scrolling(this.label, table);
    const left = this.body.querySelector(".scroll")?.scrollLeft || 0;
    this.body.replaceChildren(this.pager(ordered.length, start, shown.length), box);
    box.scrollLeft = left;
    if (!shown.length) box.append(element("p", { class: "empty" }, "No row fits the filters."));
  }

  header({ key, label, title, numeric }) {
    const active = this.sort !== null && this.sort.key === key;
    const direction = active ? (this.sort.descending ? "descending" : "ascending") : "none";
    const onclick = () => {
      this.sort = { key, descending: active ? !this.sort.descending : Boolean(numeric) };
      this.page = 0;
      this.draw();
      this.body.querySelector(`th[data-key="${CSS.escape(key)}"] button`)?.focus();
    };
    return element("th", { scope: "col", "aria-sort": direction, "data-key": key, class: numeric ? "number" : null },
      element("button", { type: "button", class: "sort", title: title || null, onclick }, label));
  }

  pager(total, start, count) {
    if (total <= this.pageSize && !this.facets.length && this.search === null && !this.note) return "";
    const move = (step) => () => { this.page += step; this.draw(); };
    const where = total ? `${number(start + 1)}–${number(start + count)} of ${number(total)}` : "0 rows";
    const buttons = total <= this.pageSize ? [] : [
      element("button", { type: "button", onclick: move(-1), disabled: start === 0 }, "Previous rows"),
      element("button", { type: "button", onclick: move(1), disabled: start + count >= total }, "Next rows"),
    ];
    return element("div", { class: "pager" }, element("p", { "aria-live": "polite" }, where,
      this.note ? ` · ${this.note}` : ""), buttons);
  }
}

function cell(column, row, position) {
  const content = column.show ? column.show(row) : column.value(row);
  const empty = content === null || content === undefined || content === "";
  const attributes = { class: column.numeric ? "number" : column.wide ? "wide" : null };
  if (position === 0) return element("th", { ...attributes, scope: "row" }, empty ? NOTHING : content);
  return element("td", attributes, empty ? NOTHING : content);
}

// Tables that are in the page already: their rows are moved about, by the cells' data-v or their text.
function makeSortable(table) {
  const body = table.tBodies[0];
  const heads = [...table.tHead.rows[table.tHead.rows.length - 1].cells];
  heads.forEach((head, column) => {
    const button = element("button", { type: "button", class: "sort" }, head.textContent.trim());
    head.replaceChildren(button);
    head.setAttribute("aria-sort", "none");
    button.addEventListener("click", () => {
      const before = head.getAttribute("aria-sort");
      const descending = before === "none" ? head.classList.contains("number") : before === "ascending";
      heads.forEach((other) => other.setAttribute("aria-sort", "none"));
      head.setAttribute("aria-sort", descending ? "descending" : "ascending");
      body.append(...sorted([...body.rows], (row) => cellValue(row.cells[column]), descending));
    });
  });
}

function cellValue(cell) {
  if (!cell) return null;
  if (cell.dataset.v !== undefined) return cell.dataset.v === "" ? null : Number(cell.dataset.v);
  const text = cell.textContent.trim();
  return text === NOTHING ? null : text;
}
