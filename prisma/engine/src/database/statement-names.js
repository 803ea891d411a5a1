/** Longer statements are generated, and do not come again. */
const LONGEST_TEXT = 50_000;
const REMEMBERED_TEXTS = 1_000;

/**
 * Names for prepared statements, one per text, so that Postgres parses and plans a hot statement once per connection. A
 * text gets its name when it comes for the second time; when all names are given away, later texts go without.
 */
export class StatementNames {
  #limit;
  #names = new Map();
  #seenOnce = new Set();
  #lastNumber = 0;

  /** @param {number} limit */
  constructor(limit) {
    this.#limit = limit;
  }

  /**
   * @param {string} text
   * @returns {string | undefined}
   */
  nameFor(text) {
    const name = this.#names.get(text);
    if (name !== undefined || this.#names.size >= this.#limit || text.length > LONGEST_TEXT) return name;
    if (this.#seenOnce.delete(text)) return this.renew(text);
    this.#seenOnce.add(text);
    if (this.#seenOnce.size > REMEMBERED_TEXTS) this.#seenOnce.delete(this.#seenOnce.values().next().value);
    return undefined;
  }

  /** Gives the text another name, because a table that it reads has changed and the old one holds a plan for what was. */
  renew(text) {
    this.#lastNumber += 1;
    const name = `sluice_${this.#lastNumber}`;
    this.#names.set(text, name);
    return name;
  }
}
