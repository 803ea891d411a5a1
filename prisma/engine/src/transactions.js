import { transactionNotFoundError, transactionStartTimeoutError } from './errors.js';

/** The engine's own way to give up waiting leaks the connection that comes too late, so it is not left to it. */
const ENGINE_MAX_WAIT_MS = 60_000;
const REMEMBERED_TRANSACTIONS = 10_000;
/** The engine's own timer comes first, and it has the better message. */
const EXPIRY_GRACE_MS = 500;

/**
 * Interactive transactions. The engine keeps them, with their timeouts; here are their ids, because the engine traps on
 * an id that it never gave out, and the way to their connections.
 */
export class Transactions {
  #engine;
  #adapter;
  #pool;
  /** @type {Map<string, { connection: () => import('pg').ClientBase | undefined, deadline: number, timer: NodeJS.Timeout }>} */
  #known = new Map();

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
    const deadline = performance.now() + timeout;
    const connection = await this.#adapter.connectionOf((sql) => this.#engine.query(rawQuery(sql), id));
    const timer = setTimeout(() => this.#expire(id), timeout + EXPIRY_GRACE_MS);
    this.#known.set(id, { connection, deadline, timer });
    if (this.#known.size > REMEMBERED_TRANSACTIONS) this.#known.delete(this.#known.keys().next().value);
    return id;
  }

  /** The engine's timer misses a transaction that is busy when it rings, and counts on a next query through the engine. */
  async #expire(id) {
    if (!this.#known.get(id)?.connection()) return;
    await this.#engine.rollbackTransaction(id).catch(() => {});
  }

  async commit(id) {
    clearTimeout(this.check(id).timer);
    await this.#engine.commitTransaction(id);
  }

  async rollback(id) {
    clearTimeout(this.check(id).timer);
    await this.#engine.rollbackTransaction(id);
  }

  /** Throws when no transaction had this id, or so long ago that it is forgotten. */
  check(id) {
    const known = this.#known.get(id);
    if (!known) throw transactionNotFoundError();
    return known;
  }

  /** @returns {import('pg').ClientBase | undefined} nothing once the transaction has ended or its time is over */
  connection(id) {
    const { connection, deadline } = this.check(id);
    return performance.now() < deadline ? connection() : undefined;
  }
}

function rawQuery(sql) {
  return JSON.stringify({
    action: 'queryRaw',
    query: { arguments: { query: sql, parameters: '[]' }, selection: {} },
  });
}
