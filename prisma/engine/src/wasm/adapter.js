import { PrismaPg } from '@prisma/adapter-pg';
import { bindAdapter } from '@prisma/driver-adapter-utils';

/** Errors that the engine knows only by their number: `@prisma/driver-adapter-utils` would keep them for ever. */
class ErrorRegistry {
  #errors = new Map();
  #lastId = 0;

  registerNewError(error) {
    this.#lastId += 1;
    this.#errors.set(this.#lastId, { error });
    // Not every error comes back; the engine swallows some, such as those of a rollback.
    if (this.#errors.size > 1_000) this.#errors.delete(this.#errors.keys().next().value);
    return this.#lastId;
  }

  consumeError(id) {
    const entry = this.#errors.get(id);
    this.#errors.delete(id);
    return entry;
  }
}

const CLAIM = '-- sluice: which connection is this? ';

/**
 * Prisma's adapter for the `pg` driver, over our pool. What it adds: a transaction's connection goes back to the pool
 * however the transaction ends, and can be asked for, so that raw statements reach it without the engine between.
 */
export class EngineAdapter {
  errors = new ErrorRegistry();
  /** Transactions that hold a connection; and of those, the ones whose end is not under way. */
  #open = new Set();
  #usable = new Set();
  #claimed = new Map();
  #lastClaim = 0;

  /**
   * @param {import('../database/pool.js').ConnectionPool} pool
   * @param {string | undefined} schema
   * @returns {Promise<EngineAdapter>}
   */
  static async create(pool, schema) {
    const adapter = new EngineAdapter();
    const prismaAdapter = await new PrismaPg(pool, { schema }).connect();
    const startTransaction = prismaAdapter.startTransaction.bind(prismaAdapter);
    prismaAdapter.startTransaction = async (isolationLevel) => adapter.#follow(await startTransaction(isolationLevel));
    adapter.bound = bindAdapter(prismaAdapter, adapter.errors);
    return adapter;
  }

  #follow(transaction) {
    const { client } = transaction;
    const queryRaw = transaction.queryRaw.bind(transaction);
    const executeRaw = transaction.executeRaw.bind(transaction);
    const end = () => {
      this.#usable.delete(transaction);
      if (!this.#open.delete(transaction)) return;
      transaction.cleanup?.();
      client.release(client.isBroken);
    };
    this.#open.add(transaction);
    this.#usable.add(transaction);
    transaction.abandon = () => {
      client.isBroken = true;
      end();
    };
    transaction.commit = async () => end();
    transaction.rollback = async () => end();
    transaction.executeRaw = async (query) => {
      const isEnd = query.sql === 'COMMIT' || query.sql === 'ROLLBACK';
      // A raw statement that came now would wait its turn on the connection, and then run outside of any transaction.
      if (isEnd) this.#usable.delete(transaction);
      try {
        return await executeRaw(query);
      } catch (error) {
        if (isEnd) end();
        throw error;
      }
    };
    transaction.queryRaw = async (query) => {
      if (!query.sql.startsWith(CLAIM)) return queryRaw(query);
      this.#claimed.set(query.sql, transaction);
      return { columnNames: [], columnTypes: [], rows: [] };
    };
    return transaction;
  }

  /**
   * Finds the connection of a transaction that the engine knows by its id: a marked query sent through the engine
   * arrives here on that connection, and goes no further.
   *
   * @param {(sql: string) => Promise<unknown>} send runs a raw query in the transaction
   * @returns {Promise<() => import('pg').ClientBase | undefined>} the connection, until the transaction begins to end
   */
  async connectionOf(send) {
    this.#lastClaim += 1;
    const sql = CLAIM + this.#lastClaim;
    await send(sql);
    const transaction = this.#claimed.get(sql);
    this.#claimed.delete(sql);
    return () => (this.#usable.has(transaction) ? transaction.client : undefined);
  }

  /** Drops the connections of all open transactions; Postgres rolls them back. */
  abandonTransactions() {
    for (const transaction of [...this.#open]) transaction.abandon();
  }
}
