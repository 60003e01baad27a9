// Tables of the page, made sortable, searchable and paged by DataTables.

const NOTHING = "–";
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
  const isLong = table.classList.contains("long");
  const head = [...table.tHead.rows[0].cells];
  const box = table.parentElement;
  const api = new DataTable(table, {
    autoWidth: false, order: [], pageLength: 50, paging: isLong, searching: isLong,
    columnDefs: [{ targets: "number", type: "numbers", orderSequence: ["desc", "asc"] },
      { targets: "_all", type: "texts", orderSequence: ["asc", "desc"] }],
    layout: { topStart: isLong ? "search" : null, topEnd: isLong ? "info" : null, bottomStart: null,
      bottomEnd: isLong ? "paging" : null },
    language: { search: "Search", info: "_START_–_END_ of _TOTAL_", infoEmpty: "0 rows", infoFiltered: "(of _MAX_)",
      zeroRecords: "No row fits the filters." },
  });
  // The table alone scrolls sideways, not what stands around it.
  const container = api.table().container();
  box.replaceWith(container);
  table.replaceWith(box);
  box.append(table);
  if (isLong) addFilters(api, head, container);
}

const labelled = (label, control) => make("label", { class: "control" }, make("span", {}, label), control);

// Lists of values above the table, and which columns it has: those of details on demand (partial ones also where every
// row in sight has a value), none that is empty.
function addFilters(api, head, container) {
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
  container.prepend(make("div", { class: "controls" }, container.querySelector(".dt-search"), controls));
  showColumns();
}
