// Makes the text of toModule's modules short. In: readable source; out: the same program with short local names and without spaces.

/** Long local names of toModule's text, and what the module calls them. */
const SHORT: Record<string, string> = {
  optional: "P",
  other: "E",
  fill: "Q",
  row: "_",
  rows: "h",
  out: "o",
  exp: "v",
  list: "L",
  all: "w",
  bytes: "D",
  most: "O",
  least: "R",
  level: "z",
  middle: "q",
  flat: "Y",
  link: "j",
  eta: "H",
  log: "l",
  Infinity: "1 / 0",
};
const WORDS = new RegExp(`\\b(${Object.keys(SHORT).join("|")})\\b`, "g");

/** Source text without the spaces and long names that only people need; strings and comments keep theirs. */
export function tight(code: string): string {
  if (code.startsWith("//")) return code;
  return (
    code
      // a string of megabytes, as weights are: a choice a character would be remembered, and there is an end to that
      .split(/("[^"\\]*(?:\\.[^"\\]*)*")/)
      .map((part, i) =>
        i % 2
          ? part
          : part
              .replace(WORDS, (word) => SHORT[word])
              .replace(/\n\s*/g, "\n")
              .replace(/ ?([-+*/%=<>?:;,{}()[\]&|!]+) ?/g, "$1")
              .replace(/\((\w+)\)=>/g, "$1=>")
              .replace(/;?\n(?=})/g, "")
              .replace(/([{},;])\n/g, "$1"),
      )
      .join("")
  );
}
