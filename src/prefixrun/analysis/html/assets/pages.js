// Which section is in sight, by the part of the address behind "#". Sections are filled when they are first opened.

const DATA = JSON.parse(document.getElementById("report-data").textContent);
DATA.runs.forEach((run, position) => { run.position = position; });

const FILL = { runs: showRuns, examples: showExamples, costs: showCosts, provenance: showProvenance };
const filled = new Map();
const sections = [...document.querySelectorAll("main > section")];

function fill(name) {
  if (!filled.has(name) && FILL[name]) filled.set(name, FILL[name](document.getElementById(`${name}-place`)));
  return filled.get(name);
}

function route(event) {
  const [name, query] = location.hash.slice(1).split("?");
  const section = sections.find(({ id }) => id === name) || (event && location.hash ? null : sections[0]);
  if (!section) return; // a link inside a section
  sections.forEach((each) => { each.hidden = each !== section; });
  const parameters = new URLSearchParams(query || "");
  const content = fill(section.id);
  if (section.id === "run") showRun(document.getElementById("run-place"), parameters);
  if (section.id === "examples" && content) content.show(parameters);
  for (const link of document.querySelectorAll(".contents a")) {
    const current = link.getAttribute("href") === `#${section.id === "run" ? "runs" : section.id}`;
    if (current) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
    if (current) link.scrollIntoView({ block: "nearest", inline: "nearest" });
  }
  if (event) {
    window.scrollTo(0, 0);
    section.querySelector("h2")?.focus({ preventScroll: true });
  }
}

// Light, dark, or what the system says; kept where the browser lets a local file keep something.
function theme() {
  const button = document.getElementById("theme");
  const names = { auto: "Theme: system", light: "Theme: light", dark: "Theme: dark" };
  const set = (name) => {
    document.documentElement.dataset.theme = name;
    button.textContent = names[name];
    try { localStorage.setItem("prefixrun-theme", name); } catch { /* not for this file */ }
  };
  let kept = null;
  try { kept = localStorage.getItem("prefixrun-theme"); } catch { /* not for this file */ }
  set(kept in names ? kept : "auto");
  const following = { auto: "light", light: "dark", dark: "auto" };
  button.addEventListener("click", () => set(following[document.documentElement.dataset.theme]));
}

document.documentElement.classList.add("scripted");
document.querySelectorAll("table.sortable").forEach(makeSortable);
theme();
route(null);
window.addEventListener("hashchange", route);
window.addEventListener("beforeprint", () => {
  sections.forEach((section) => { section.hidden = section.id === "run" && section.hidden; });
  document.querySelectorAll(".chapter").forEach((chapter) => { chapter.open = true; });
  Object.keys(FILL).forEach((name) => fill(name)?.show?.(new URLSearchParams()));
});
window.addEventListener("afterprint", () => route(null));
