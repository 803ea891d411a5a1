import { columnType } from './column-types.js';
import { parseParameters } from './parameters.js';

/** Values leave the driver as the text that Postgres sent; `column-types.js` makes JSON of them. */
const AS_TEXT = { getTypeParser: () => (text) => text };

/**
 * Runs a raw statement on the driver itself, past the WebAssembly engine.
 *
 * @param {import('../protocol/raw-statement.js').RawStatement & { longStrings: Map<string, string> }} statement
 * @param {{ query(config: import('pg').QueryConfig): Promise<import('pg').QueryArrayResult> }} connection
 * @returns {Promise<string>} the answer for the client, JSON
 */
export async function runRawStatement({ action, sql, parameters, longStrings }, connection) {
  const values = parseParameters(parameters, longStrings);
  const result = await connection.query({ text: sql, values, rowMode: 'array', types: AS_TEXT });
  const answer = action === 'executeRaw' ? String(result.rowCount ?? 0) : encodeRows(result);
  return `{"data":{"result":${answer}}}`;
}

/** Rows as the client's `deserialize_raw_results` reads them: `{"columns": […], "types": […], "rows": [[…], …]}`. */
function encodeRows({ fields, rows }) {
  const types = fields.map((field) => columnType(field.dataTypeID));
  const encoded = rows.map((row) => {
    const values = row.map((text, index) => (text === null ? 'null' : types[index].toJson(text)));
    return `[${values.join(',')}]`;
  });
  const columns = JSON.stringify(fields.map((field) => field.name));
  const names = JSON.stringify(types.map((type) => type.name));
  return `{"columns":${columns},"types":${names},"rows":[${encoded.join(',')}]}`;
}
