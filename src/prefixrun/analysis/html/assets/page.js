// Which section is in sight, by the part of the address behind "#". Sections start when they are first opened.

// Text only ever enters as text nodes, so nothing in a record can become markup.
function make(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value !== false) made.setAttribute(name, value);
  }
  made.append(...children.flat(Infinity));
  return made;
}

const sections = [...document.querySelectorAll("main > section")];
let examples = null;

function start(section) {
  if (section.dataset.started) return;
  section.dataset.started = "yes";
  section.querySelectorAll("table.sortable").forEach(startTable);
  section.querySelectorAll(".plot").forEach((plot) => watchEdges(plot.parentElement, plot, null));
  if (!section.querySelector("#example-controls")) return;
  examples = new Examples(JSON.parse(document.getElementById("report-data").textContent), section);
}

function route(event) {
  const [name, query] = location.hash.slice(1).split("?");
  const target = document.getElementById(decodeURIComponent(name));
  const found = target && target.closest("main > section");
  if (event && location.hash && !found) return; // a link to something outside of the sections
  const section = found || sections[0];
  const run = target && target.closest(".run");
  document.querySelectorAll(".run").forEach((each) => { each.hidden = each !== run; });
  sections.forEach((each) => { each.hidden = each !== section; });
  start(section);
  if (section.id === "examples" && examples) examples.show(new URLSearchParams(query || ""));
  for (const link of document.querySelectorAll(".contents a")) {
    const isCurrent = link.hash === `#${section.id === "run" ? "runs" : section.id}`;
    link.setAttribute("aria-current", isCurrent ? "page" : "false");
    if (isCurrent) link.scrollIntoView({ block: "nearest", inline: "nearest" });
  }
  if (target && target !== section && target !== run) target.scrollIntoView();
  else if (event) window.scrollTo(0, 0);
  if (event) (run || section).querySelector("h2")?.focus({ preventScroll: true });
}

// Light, dark, or what the system says; kept where the browser lets a local file keep something.
const themeButton = document.getElementById("theme");
const following = { system: "light", light: "dark", dark: "system" };
const stored = (action) => { try { return action(localStorage); } catch { return null; } };
const setTheme = (name) => {
  document.documentElement.dataset.theme = name;
  themeButton.textContent = `Theme: ${name}`;
  stored((storage) => storage.setItem("prefixrun-theme", name));
};
const before = stored((storage) => storage.getItem("prefixrun-theme"));
setTheme(before in following ? before : "system");
themeButton.addEventListener("click", () => setTheme(following[document.documentElement.dataset.theme]));

for (const [type, isNumber] of [["numbers", true], ["texts", false]]) {
  DataTable.type(type, { order: { pre: plain, asc: ordering(isNumber, 1), desc: ordering(isNumber, -1) } });
}
route(null);
window.addEventListener("hashchange", route);
window.addEventListener("beforeprint", () => {
  sections.forEach(start);
  if (examples) examples.show(new URLSearchParams());
  document.querySelectorAll(".chapter").forEach((chapter) => { chapter.open = true; });
  showPages(ALL);
});
window.addEventListener("afterprint", () => showPages(PAGE));
