// Command lines to copy. In: paths, words and options as they are; out: text for a POSIX shell.

/** A text as one word of a POSIX shell. */
const quoted = (text: string) => (/^[\w./,-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);

/** A path as one word of a POSIX shell, and no option. */
export const shellWord = (path: string) => quoted(path.startsWith("-") ? `./${path}` : path);

/** Options, each with a space before it; those without a value are left out. */
export const shellOptions = (values: Record<string, string | number | undefined>) =>
  Object.entries(values)
    .map(([name, value]) => (value === undefined ? "" : ` --${name} ${quoted(String(value))}`))
    .join("");

/** Names or words as one option takes them: separated by commas, and quoted as in CSV where one holds a comma. */
const listed = (words: readonly string[]) =>
  words.map((word) => (/[",]/.test(word) ? `"${word.replaceAll('"', '""')}"` : word)).join(",");

/** One name or word for an option that takes a list. */
export const shellName = (name: string) => quoted(listed([name]));

/** The options that a CSV file was read with. */
export const csvOptions = ({ delimiter, na = [] }: { delimiter?: string; na?: readonly string[] }) =>
  shellOptions({
    delimiter: delimiter === "\t" ? "tab" : delimiter,
    na: na.length > 0 ? listed(na) : undefined,
  });
