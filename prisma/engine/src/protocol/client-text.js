/** Characters at which Python's `textwrap.indent` begins a new line, and JSON's `dumps` leaves as they are. */
const LINE_SEPARATORS = /[\x85\u2028\u2029]/;

/**
 * Takes back what the client's query builder does to strings with a line separator. It indents the query that it writes
 * with `textwrap.indent`, which takes such a character inside a string for a line's end and puts the line's indentation
 * after it, into the value. Blank lines get none.
 *
 * @param {string} query GraphQL text, as the builder writes it
 * @returns {string}
 */
export function undoIndentInsideStrings(query) {
  if (!LINE_SEPARATORS.test(query)) return query;
  return query
    .split('\n')
    .map((line) => {
      const depth = line.length - line.trimStart().length;
      if (depth === 0 || !LINE_SEPARATORS.test(line)) return line;
      const [first, ...rest] = line.split(/(?<=[\x85\u2028\u2029])/);
      return first + rest.map((part) => (isBlank(part) ? part : part.slice(depth))).join('');
    })
    .join('\n');
}

/** As Python sees it: unlike JavaScript, it takes U+0085 for a space and the byte order mark for none. */
function isBlank(part) {
  return !/[^\s\x85]|\uFEFF/.test(part);
}
