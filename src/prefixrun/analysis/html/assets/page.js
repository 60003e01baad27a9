// Which section is in sight, by the part of the address behind "#". Sections start when they are first opened.

// Text only ever enters as text nodes, so nothing in a record can become markup.
function make(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value !== null && value !== false) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.flat(Infinity));
  return made;
}

const sections = [...document.querySelectorAll("main > section")];
const started = new Set();
let examples = null;

function start(section) {
  if (started.has(section)) return;
  started.add(section);
  section.querySelectorAll("table.sortable").forEach(startTable);
  const data = section.id === "examples" && document.getElementById("report-data");
  if (data && document.getElementById("example-controls")) examples = startExamples(JSON.parse(data.textContent));
}

function sectionOf(element) { return element && element.closest("main > section"); }

function route(event) {
  const [name, query] = location.hash.slice(1).split("?");
  const target = document.getElementById(decodeURIComponent(name));
  if (event && location.hash && !sectionOf(target)) return; // a link to something outside of the sections
  const section = sectionOf(target) || sections[0];
  const run = target && target.closest(".run");
  document.querySelectorAll(".run").forEach((each) => { each.hidden = each !== run; });
  sections.forEach((each) => { each.hidden = each !== section; });
  start(section);
  if (section.id === "examples" && examples) examples.show(new URLSearchParams(query || ""));
  for (const link of document.querySelectorAll(".contents a")) {
    const isCurrent = link.hash === `#${section.id === "run" ? "runs" : section.id}`;
    if (isCurrent) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
    if (isCurrent) link.scrollIntoView({ block: "nearest", inline: "nearest" });
  }
  if (target && target !== section && target !== run) target.scrollIntoView();
  else if (event) window.scrollTo(0, 0);
  if (event) (run || section).querySelector("h2").focus({ preventScroll: true });
}

// Light, dark, or what the system says; kept where the browser lets a local file keep something.
function theme() {
  const button = document.getElementById("theme");
  const following = { system: "light", light: "dark", dark: "system" };
  const set = (name) => {
    document.documentElement.dataset.theme = name;
    button.textContent = `Theme: ${name}`;
    try { localStorage.setItem("prefixrun-theme", name); } catch { /* not for this file */ }
  };
  let stored = null;
  try { stored = localStorage.getItem("prefixrun-theme"); } catch { /* not for this file */ }
  set(stored in following ? stored : "system");
  button.addEventListener("click", () => set(following[document.documentElement.dataset.theme]));
}

registerOrders();
theme();
route(null);
window.addEventListener("hashchange", route);
window.addEventListener("beforeprint", () => {
  sections.forEach(start);
  if (examples) examples.show(new URLSearchParams());
  document.querySelectorAll(".chapter").forEach((chapter) => { chapter.open = true; });
});
