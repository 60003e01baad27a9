// Small helpers that build the page. Text only ever enters as text nodes, so nothing in a record can become markup.

function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined));
  return made;
}

function labelled(label, control) {
  return element("label", { class: "control" }, element("span", {}, label), control);
}

function choice(options, selected, onchange, attributes = {}) {
  const made = element("select", { ...attributes, onchange: () => onchange(made.value) });
  for (const { value, text } of options) {
    made.append(element("option", { value, selected: value === selected }, text));
  }
  return made;
}

function definitions(pairs) {
  const shown = pairs.filter(([, value]) => value !== null && value !== undefined && value !== "");
  return element("dl", { class: "facts" },
    shown.map(([term, value]) => element("div", {}, element("dt", {}, term), element("dd", {}, value))));
}

// A box that scrolls by itself, reachable by keyboard, so that the page never scrolls sideways.
function scrolling(label, ...children) {
  return element("div", { class: "scroll", role: "region", tabindex: "0", "aria-label": label }, ...children);
}
