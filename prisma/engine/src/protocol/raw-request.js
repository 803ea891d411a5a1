import { isAscii } from 'node:buffer';
import { randomUUID } from 'node:crypto';

import { undoIndentInsideStrings } from './client-text.js';
import { parseRawStatement } from './raw-statement.js';

/** How the body of a raw query begins, up to the operation's name. */
const HEAD = Buffer.from('{"variables": {}, "operation_name": "mutation", "query": "mutation {\\n  result: ');
/** What comes before the first parameter; inside the statement's text its quote would be escaped once more. */
const PARAMETERS = Buffer.from('\\n    parameters: \\"[');
/** The quote of a parameter that is a string: escaped in the list, again in GraphQL, and again in the body. */
const QUOTE = Buffer.from('\\\\\\"');
const BACKSLASH = 0x5c;
const LONG = 4_096;
/** Stands for a long string while the rest is parsed. Random, so that no value can be mistaken for one. */
const PLACEHOLDER = `long-string-${randomUUID()}-`;

/**
 * Reads the body of a request as a raw statement. Rows travel to the database as one parameter of a megabyte or so; as
 * base64 it has nothing to unescape, and is taken out here instead of being parsed three times over: that
 * halves what the engine spends on it.
 *
 * @param {Buffer} body
 * @returns {(import('./raw-statement.js').RawStatement & { longStrings: Map<string, string> }) | undefined}
 *   nothing when the body is not exactly what the client writes for a raw query
 */
export function readRawRequest(body) {
  if (!body.subarray(0, HEAD.length).equals(HEAD)) return undefined;
  const longStrings = new Map();
  const text = takeOutLongStrings(body, longStrings);
  try {
    const statement = parseRawStatement(undoIndentInsideStrings(JSON.parse(text).query));
    return statement && { ...statement, longStrings };
  } catch {
    return undefined;
  }
}

/** Walks through the list up to the first string with an escape in it, or the first object: those are left as they are. */
function takeOutLongStrings(body, longStrings) {
  const marker = body.indexOf(PARAMETERS);
  const kept = [];
  let keptTo = 0;
  let at = marker + PARAMETERS.length;
  while (marker >= 0) {
    const quote = body.indexOf(BACKSLASH, at);
    if (!isQuote(body, quote) || body.subarray(at, quote).includes('{')) break;
    const start = quote + QUOTE.length;
    const end = body.indexOf(BACKSLASH, start);
    if (!isQuote(body, end)) break;
    const bytes = body.subarray(start, end);
    if (bytes.length >= LONG && isAscii(bytes)) {
      const placeholder = PLACEHOLDER + longStrings.size;
      longStrings.set(placeholder, bytes.latin1Slice());
      kept.push(body.toString('utf8', keptTo, start), placeholder);
      keptTo = end;
    }
    at = end + QUOTE.length;
  }
  kept.push(body.toString('utf8', keptTo));
  return kept.join('');
}

function isQuote(body, at) {
  return at >= 0 && body.subarray(at, at + QUOTE.length).equals(QUOTE);
}
