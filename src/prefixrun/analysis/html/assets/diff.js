// Differences between two texts, word by word.

// Letters keep their marks, numbers their separators, emoji their modifiers; any other character is a word of its own.
const WORD = new RegExp(
  "\\p{Extended_Pictographic}(?:[\\u200d\\ufe0f\\u{1f3fb}-\\u{1f3ff}]|\\p{Extended_Pictographic})*" +
  "|\\p{L}[\\p{L}\\p{M}\\p{N}'’-]*|\\p{N}+(?:[.,:]\\p{N}+)*|[^\\s]", "gu");

const MOST_CELLS = 4e6; // of the table behind one comparison: two texts of 2,000 words

// [{text, before}]: `before` is what stands between a word and the one before it.
function words(text) {
  let end = 0;
  return [...text.matchAll(WORD)].map(({ 0: word, index }) => {
    const before = text.slice(end, index);
    end = index + word.length;
    return { text: word, before };
  });
}

// Steps from `first` to `second`, both of words(): [{kind: "both" | "first" | "second", word}]; null if too long.
function difference(first, second) {
  if (first.length * second.length > MOST_CELLS) return null;
  const width = second.length + 1;
  const isSame = (i, j) => first[i].text === second[j].text;
  // Length of the longest common subsequence of the rests from (i, j) on, row after row.
  const common = new Uint16Array((first.length + 1) * width);
  for (let i = first.length - 1; i >= 0; i -= 1) {
    for (let j = second.length - 1; j >= 0; j -= 1) {
      common[i * width + j] = isSame(i, j) ? common[(i + 1) * width + j + 1] + 1
        : Math.max(common[(i + 1) * width + j], common[i * width + j + 1]);
    }
  }
  const steps = [];
  let [i, j] = [0, 0];
  while (i < first.length || j < second.length) {
    const ends = [i === first.length, j === second.length];
    if (!ends[0] && !ends[1] && isSame(i, j)) {
      steps.push({ kind: "both", word: second[j] });
      [i, j] = [i + 1, j + 1];
    } else if (ends[1] || (!ends[0] && common[(i + 1) * width + j] >= common[i * width + j + 1])) {
      steps.push({ kind: "first", word: first[i] });
      i += 1;
    } else {
      steps.push({ kind: "second", word: second[j] });
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
  const size = (reference) => Math.max(1, words(text).length + words(reference).length);
  const shares = references.map((reference) => distance(reference, text) / size(reference));
  return shares.indexOf(Math.min(...shares));
}
