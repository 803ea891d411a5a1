import { transactionNotFoundError, transactionStartTimeoutError } from './errors.js';

/** The engine's own way to give up waiting leaks the connection that comes too late, so it is not left to it. */
const ENGINE_MAX_WAIT_MS = 60_000;
const REMEMBERED_TRANSACTIONS = 10_000;

/**
 * Interactive transactions. The engine keeps them, with their timeouts; here are their ids, because the engine traps on
 * an id that it never gave out, and the way to their connections.
 */
export class Transactions {
  #engine;
  #adapter;
  #pool;
  /** @type {Map<string, () => import('pg').ClientBase | undefined>} */
  #connections = new Map();

  /**
   * @param {import('./wasm/engine.js').WasmEngine} engine
   * @param {import('./wasm/adapter.js').EngineAdapter} adapter
   * @param {import('./database/pool.js').ConnectionPool} pool
   */
  constructor(engine, adapter, pool) {
    this.#engine = engine;
    this.#adapter = adapter;
    this.#pool = pool;
  }

  /**
   * @param {{ max_wait?: number, timeout?: number, isolation_level?: string }} options in milliseconds
   * @returns {Promise<string>} the transaction's id
   */
  async start({ max_wait: maxWait = 2_000, timeout = 5_000, isolation_level: isolationLevel }) {
    await this.#pool.reserve(Math.max(1, maxWait), transactionStartTimeoutError);
    const id = await this.#engine.startTransaction({
      max_wait: ENGINE_MAX_WAIT_MS,
      timeout,
      ...(isolationLevel ? { isolation_level: isolationLevel } : {}),
    });
    const connection = await this.#adapter.connectionOf((sql) => this.#engine.query(rawQuery(sql), id));
    this.#connections.set(id, connection);
    if (this.#connections.size > REMEMBERED_TRANSACTIONS) {
      this.#connections.delete(this.#connections.keys().next().value);
    }
    return id;
  }

  async commit(id) {
    this.check(id);
    await this.#engine.commitTransaction(id);
  }

  async rollback(id) {
    this.check(id);
    await this.#engine.rollbackTransaction(id);
  }

  /** Throws when no transaction had this id, or so long ago that it is forgotten. */
  check(id) {
    if (!this.#connections.has(id)) throw transactionNotFoundError();
  }

  /** @returns {import('pg').ClientBase | undefined} nothing when the transaction has ended, by its timeout for example */
  connection(id) {
    return this.#connections.get(id)?.();
  }
}

function rawQuery(sql) {
  return JSON.stringify({
    action: 'queryRaw',
    query: { arguments: { query: sql, parameters: '[]' }, selection: {} },
  });
}
