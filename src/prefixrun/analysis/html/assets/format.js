// Numbers as people read them. Every function takes null for "not measured" and then gives an en dash.

const NOTHING = "–";

function number(value, decimals = 0) {
  if (value === null || value === undefined) return NOTHING;
  return value.toLocaleString("en-US", { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
}

function duration(seconds) {
  if (seconds === null || seconds === undefined) return NOTHING;
  if (seconds < 60) return `${number(seconds, seconds < 10 ? 1 : 0)} s`;
  if (seconds < 3600) return `${number(seconds / 60, 1)} min`;
  return `${number(seconds / 3600, 1)} h`;
}

function bytes(value) {
  if (value === null || value === undefined) return NOTHING;
  return value < 2 ** 30 ? `${number(value / 2 ** 20)} MiB` : `${number(value / 2 ** 30, 2)} GiB`;
}

function share(part, whole) {
  if (part === null || part === undefined || !whole) return NOTHING;
  const percent = (100 * part) / whole;
  return `${percent < 1 ? percent.toPrecision(2) : number(percent, 1)} %`;
}

function signed(value, decimals) {
  if (value === null || value === undefined) return NOTHING;
  return `${value < 0 ? "−" : "+"}${number(Math.abs(value), decimals)}`;
}

function mean(values) {
  return values.length ? values.reduce((sum, value) => sum + value, 0) / values.length : null;
}

// Of a sample: null for fewer than two values.
function standardDeviation(values) {
  if (values.length < 2) return null;
  const middle = mean(values);
  return Math.sqrt(values.reduce((sum, value) => sum + (value - middle) ** 2, 0) / (values.length - 1));
}

function median(values) {
  const known = values.filter((value) => value !== null && value !== undefined).sort((a, b) => a - b);
  if (!known.length) return null;
  const middle = known.length >> 1;
  return known.length % 2 ? known[middle] : (known[middle - 1] + known[middle]) / 2;
}
