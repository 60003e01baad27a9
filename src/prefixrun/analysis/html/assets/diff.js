// Differences between two texts, word by word.

// Letters keep their marks, numbers their separators, emoji their modifiers; any other character is a word of its own.
const WORD = new RegExp(
  "\\p{Extended_Pictographic}(?:[\\u200d\\ufe0f\\u{1f3fb}-\\u{1f3ff}]|\\p{Extended_Pictographic})*" +
  "|\\p{L}[\\p{L}\\p{M}\\p{N}'’-]*|\\p{N}+(?:[.,:]\\p{N}+)*|[^\\s]", "gu");

const MOST_CELLS = 4e6; // of the table behind one comparison: two texts of 2,000 words

function words(text) {
  const found = [];
  let end = 0;
  for (const match of text.matchAll(WORD)) {
    found.push({ text: match[0], before: text.slice(end, match.index) });
    end = match.index + match[0].length;
  }
  return found;
}

// Steps from `first` to `second`, both of words(): [{kind: "both" | "first" | "second", word}]; null if too long.
function difference(first, second) {
  let start = 0;
  while (start < first.length && start < second.length && first[start].text === second[start].text) start += 1;
  let tail = 0;
  while (tail < first.length - start && tail < second.length - start
    && first[first.length - 1 - tail].text === second[second.length - 1 - tail].text) tail += 1;
  const a = first.slice(start, first.length - tail);
  const b = second.slice(start, second.length - tail);
  if (a.length * b.length > MOST_CELLS) return null;
  return [
    ...second.slice(0, start).map((word) => ({ kind: "both", word })),
    ...walk(a, b, commonLengths(a, b)),
    ...second.slice(second.length - tail).map((word) => ({ kind: "both", word })),
  ];
}

// Length of the longest common subsequence of the rests from (i, j) on, row after row.
function commonLengths(a, b) {
  const width = b.length + 1;
  const table = new Uint16Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i -= 1) {
    for (let j = b.length - 1; j >= 0; j -= 1) {
      table[i * width + j] = a[i].text === b[j].text
        ? table[(i + 1) * width + j + 1] + 1
        : Math.max(table[(i + 1) * width + j], table[i * width + j + 1]);
    }
  }
  return table;
}

function walk(a, b, table) {
  const width = b.length + 1;
  const steps = [];
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i].text === b[j].text) {
      steps.push({ kind: "both", word: b[j] });
      i += 1;
      j += 1;
    } else if (i < a.length && (j === b.length || table[(i + 1) * width + j] >= table[i * width + j + 1])) {
      steps.push({ kind: "first", word: a[i] });
      i += 1;
    } else {
      steps.push({ kind: "second", word: b[j] });
      j += 1;
    }
  }
  return steps;
}

// Words that only one of the two texts has, in their order; infinite when the texts are too long to compare.
function distance(first, second) {
  const steps = difference(words(first), words(second));
  return steps === null ? Infinity : steps.filter((step) => step.kind !== "both").length;
}

// Position of the reference with the fewest changed words per word, the first of equals; -1 without references.
function nearest(text, references) {
  let best = -1;
  let least = Infinity;
  references.forEach((reference, position) => {
    const size = words(text).length + words(reference).length;
    const share = distance(reference, text) / Math.max(1, size);
    if (share < least || best < 0) [best, least] = [position, share];
  });
  return best;
}
