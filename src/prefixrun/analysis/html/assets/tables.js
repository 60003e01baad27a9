// Tables of the page, made sortable, searchable and paged by DataTables.

const NOTHING = "–";
const FEW = 8; // rows that need neither search nor filters
const PAGE = 50; // rows
const ALL = -1;
const COLLATOR = new Intl.Collator("en", { numeric: true });

const plain = (html) => String(html).replace(/<[^>]*>/g, "").trim();

// For sorting: what is missing stands last in both directions.
function ordering(isNumber, sign) {
  return (a, b) => {
    const missing = [a, b].map((value) => value === "" || value === null || value === NOTHING);
    if (missing[0] || missing[1]) return Number(missing[0]) - Number(missing[1]);
    return sign * (isNumber ? Number(a) - Number(b) : COLLATOR.compare(a, b));
  };
}

// Every word of the query occurs in the text.
const matches = (text, query) => query.toLowerCase().split(/\s+/).every((word) => text.toLowerCase().includes(word));

function startTable(table) {
  const rows = table.tBodies[0].rows.length;
  const isLong = table.classList.contains("long") && rows > FEW;
  const head = [...table.tHead.rows[0].cells];
  const headings = head.map((cell) => ({ text: cell.textContent.replace(/ ↓$/, "").trim(), unit: cell.dataset.unit ?? "",
    isNumber: cell.classList.contains("number") }));
  const box = table.parentElement;
  const api = new DataTable(table, {
    autoWidth: false, order: [], pageLength: PAGE, paging: rows > PAGE, searching: isLong,
    columnDefs: [{ targets: "number", type: "numbers", orderSequence: ["desc", "asc"] },
      { targets: "_all", type: "texts", orderSequence: ["asc", "desc"] }],
    layout: { topStart: isLong ? "search" : null, topEnd: isLong ? "info" : null, bottomStart: null,
      bottomEnd: rows > PAGE ? "paging" : null },
    language: { search: "Search", info: "_START_–_END_ of _TOTAL_", infoEmpty: "0 rows", infoFiltered: "(of _MAX_)",
      zeroRecords: "No row fits the filters." },
  });
  // The table alone scrolls sideways, not what stands around it.
  const container = api.table().container();
  const frame = box.parentElement;
  frame.replaceWith(container);
  table.replaceWith(frame);
  box.append(table);
  const toolbar = make("div", { class: "toolbar" }, make("span", { class: "hint", "aria-hidden": "true" }),
    make("button", { type: "button", class: "download", title: "All columns of the rows that are listed",
      "aria-label": `Download as CSV: ${table.dataset.name}`, onclick: () => download(api, headings, table) }, "CSV"));
  frame.before(toolbar);
  const nameOfPages = () => container.querySelector(".dt-paging nav")?.setAttribute("aria-label", `Pages: ${table.dataset.name}`);
  api.on("draw", nameOfPages);
  nameOfPages();
  if (table.classList.contains("long")) addFilters(api, head, container, isLong);
  watchEdges(frame, box, toolbar.firstChild);
}

// So many rows a page in all tables that have several: on paper nobody turns them.
function showPages(rows) {
  document.querySelectorAll("table.sortable").forEach((table) => {
    if (!DataTable.isDataTable(table)) return;
    const api = new DataTable.Api(table);
    if (api.rows().count() > PAGE) api.page.len(rows).draw();
  });
}

// A shade where more of a box is out of sight, and a line above it that says so.
function watchEdges(frame, box, hint) {
  const update = () => {
    const rest = box.scrollWidth - box.clientWidth - box.scrollLeft;
    frame.classList.toggle("more-left", box.scrollLeft > 1);
    frame.classList.toggle("more-right", rest > 1);
    frame.classList.toggle("more-below", box.scrollHeight - box.clientHeight - box.scrollTop > 1);
    if (hint) hint.textContent = rest > 1 ? "more columns →" : box.scrollLeft > 1 ? "← more columns" : "";
  };
  box.addEventListener("scroll", update, { passive: true });
  new ResizeObserver(update).observe(box);
  if (box.firstElementChild) new ResizeObserver(update).observe(box.firstElementChild);
  update();
}

// All of what a cell shows, the number of runs behind it left out before their names.
function shown(cell) {
  const walker = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT);
  const texts = [];
  while (walker.nextNode()) {
    const { textContent: text, parentElement: parent } = walker.currentNode;
    if (!parent.closest("summary, .mark") && text.trim()) texts.push(text.trim());
  }
  return texts.join(" ").replace(/\s+/g, " ");
}

// Columns of {heading, unit, texts, numbers (null: a column of texts)} as CSV. Numbers stand with all their digits; what
// is shown of them stands in a column of its own where it says more.
function csv(columns) {
  const parts = columns.flatMap(({ heading, unit, texts, numbers }) => {
    if (!numbers) return [{ heading, values: texts.map((text) => (text === NOTHING ? "" : text)) }];
    const saysMore = !unit && texts.some((text) => /[^\d.,−+–-]/.test(text));
    const shownToo = saysMore ? [{ heading: `${heading} (as shown)`, values: texts }] : [];
    return [{ heading: unit ? `${heading} (${unit})` : heading, values: numbers }, ...shownToo];
  });
  const quoted = (text) => (/^[=@\t\r]/.test(text) ? `'${text}` : text) // no formula of a spreadsheet
    .replace(/^(?=.*[",\n\r])[^]*$/, (whole) => `"${whole.replaceAll('"', '""')}"`);
  const lines = [parts.map(({ heading }) => heading), ...(parts[0]?.values ?? []).map((_, row) => parts.map((part) => part.values[row]))];
  return lines.map((line) => `${line.map(quoted).join(",")}\r\n`).join("");
}

function download(api, headings, table) {
  const rows = api.rows({ search: "applied" }).indexes().toArray();
  const columns = headings.map(({ text, unit, isNumber }, column) => {
    const cells = rows.map((row) => api.cell(row, column).node());
    return { heading: text, unit, texts: cells.map(shown), numbers: isNumber ? cells.map((cell) => cell.dataset.order) : null };
  });
  const address = URL.createObjectURL(new Blob(["\ufeff", csv(columns)], { type: "text/csv;charset=utf-8" }));
  const name = table.dataset.name.toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "");
  make("a", { href: address, download: `${name}.csv` }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

const labelled = (label, control) => make("label", { class: "control" }, make("span", {}, label), control);

// Lists of values above the table, and which columns it has: those of details on demand (partial ones also where every
// row in sight has a value), none that is empty.
function addFilters(api, head, container, hasSearch) {
  const texts = head.map((_, column) => api.column(column, { order: "index" }).nodes().toArray()
    .map((node) => node.textContent.trim()));
  const details = make("input", { type: "checkbox" });
  const showColumns = () => {
    const rows = api.rows({ search: "applied" }).indexes().toArray();
    head.forEach((cell, column) => {
      const filled = rows.filter((row) => texts[column][row] !== NOTHING && texts[column][row] !== "").length;
      const isDetail = cell.dataset.detail === "partial" ? filled < rows.length : "detail" in cell.dataset;
      api.column(column).visible((filled > 0 || !rows.length) && (details.checked || !isDetail), false);
    });
  };
  const controls = head.map((cell, column) => {
    const values = [...new Set(texts[column])].sort(ordering(false, 1));
    if (!("filter" in cell.dataset) || values.length < 2) return "";
    const size = (value) => texts[column].filter((text) => text === value).length;
    const select = make("select", { onchange: () => {
      const chosen = select.value;
      api.column(column).search.fixed("chosen", chosen && ((_, __, row) => texts[column][row] === chosen)).draw();
      showColumns();
    } }, make("option", { value: "" }, "all"),
    values.map((value) => make("option", { value }, `${value} (${size(value)})`)));
    return labelled(plain(cell.textContent), select);
  });
  details.addEventListener("change", showColumns);
  if (head.some((cell) => "detail" in cell.dataset)) controls.push(labelled("All columns", details));
  const search = hasSearch ? [container.querySelector(".dt-search"), ...controls] : controls.slice(-1);
  container.prepend(make("div", { class: "controls" }, search));
  showColumns();
}
