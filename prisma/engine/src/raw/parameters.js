import { malformedRequestError } from '../errors.js';

/**
 * The parameters of a raw statement as Postgres takes them, as text. It knows the type that each must have, so nothing
 * is guessed here: numbers keep every digit, objects stay the JSON that they are, lists become arrays.
 *
 * @param {string} text a JSON list, for example `["a", 1, null, ["x", "y"], {"k": 1}]`
 * @param {Map<string, string>} longStrings strings for which only a placeholder stands in the text
 * @returns {(string | boolean | null | unknown[])[]} as the `pg` driver takes them
 */
export function parseParameters(text, longStrings) {
  const reader = new Reader(text, longStrings);
  const values = reader.list();
  if (!reader.isAtEnd()) throw malformedRequestError('the parameters of a raw query must be one JSON list');
  return values;
}

/** Reads JSON, but numbers and objects as the text that they are. */
class Reader {
  #text;
  #longStrings;
  #at = 0;

  constructor(text, longStrings) {
    this.#text = text;
    this.#longStrings = longStrings;
  }

  isAtEnd() {
    this.#skipSpace();
    return this.#at === this.#text.length;
  }

  list() {
    this.#expect('[');
    const values = [];
    if (this.#take(']')) return values;
    do values.push(this.#value());
    while (this.#take(','));
    this.#expect(']');
    return values;
  }

  #value() {
    this.#skipSpace();
    switch (this.#text[this.#at]) {
      case '"':
        return this.#string();
      case '[':
        return this.list();
      case '{':
        return this.#object();
      default:
        return this.#literal();
    }
  }

  #string() {
    const start = this.#at;
    this.#skipString();
    const value = JSON.parse(this.#text.slice(start, this.#at));
    return this.#longStrings.get(value) ?? value;
  }

  #skipString() {
    let end = this.#at;
    do {
      end = this.#text.indexOf('"', end + 1);
      if (end < 0) throw malformedRequestError('unterminated string in the parameters');
    } while (this.#isEscaped(end));
    this.#at = end + 1;
  }

  #isEscaped(index) {
    let backslashes = 0;
    while (this.#text[index - 1 - backslashes] === '\\') backslashes += 1;
    return backslashes % 2 === 1;
  }

  #object() {
    const start = this.#at;
    let depth = 0;
    do {
      const character = this.#text[this.#at];
      if (character === undefined) throw malformedRequestError('unterminated object in the parameters');
      if (character === '"') {
        this.#skipString();
        continue;
      }
      if (character === '{') depth += 1;
      if (character === '}') depth -= 1;
      this.#at += 1;
    } while (depth > 0);
    return this.#text.slice(start, this.#at);
  }

  #literal() {
    const token = /[^\s,\]]*/y;
    token.lastIndex = this.#at;
    const [text] = token.exec(this.#text);
    this.#at += text.length;
    if (text === 'null') return null;
    if (text === 'true' || text === 'false') return text === 'true';
    if (!/^-?\d+(\.\d+)?([eE][+-]?\d+)?$/.test(text)) throw malformedRequestError(`not a parameter: ${text}`);
    return text;
  }

  #take(character) {
    this.#skipSpace();
    if (this.#text[this.#at] !== character) return false;
    this.#at += 1;
    return true;
  }

  #expect(character) {
    if (!this.#take(character)) throw malformedRequestError(`expected ${character} in the parameters`);
  }

  #skipSpace() {
    while (/\s/.test(this.#text[this.#at] ?? '')) this.#at += 1;
  }
}
