/**
 * @typedef {object} RawStatement
 * @property {'queryRaw' | 'executeRaw'} action
 * @property {string} sql
 * @property {string} parameters a JSON list
 */

/**
 * Recognises a raw query by its exact text. That saves parsing GraphQL, whose strings may be many megabytes long:
 *
 *     mutation {
 *       result: queryRaw
 *       (
 *         query: "SELECT …"
 *         parameters: "[…]"
 *       )
 *     }
 *
 * The literals are JSON and so never hold a line's end.
 *
 * @param {string} query
 * @returns {RawStatement | undefined} nothing for any other text, which is then for the general way
 */
export function parseRawStatement(query) {
  const head = /^mutation \{\n {2}result: (queryRaw|executeRaw)\n {2}\(\n {4}query: "/.exec(query);
  if (!head) return undefined;
  const sqlStart = head[0].length - 1;
  const sqlEnd = query.indexOf('\n', sqlStart);
  if (!query.startsWith(PARAMETERS, sqlEnd) || !query.endsWith(TAIL)) return undefined;
  const parametersStart = sqlEnd + PARAMETERS.length - 1;
  const parametersEnd = query.length - TAIL.length + 1;
  if (query.indexOf('\n', parametersStart) !== parametersEnd) return undefined;
  try {
    return {
      action: /** @type {'queryRaw' | 'executeRaw'} */ (head[1]),
      sql: JSON.parse(query.slice(sqlStart, sqlEnd)),
      parameters: JSON.parse(query.slice(parametersStart, parametersEnd)),
    };
  } catch {
    return undefined;
  }
}

const PARAMETERS = '\n    parameters: "';
const TAIL = '"\n  )\n}';
