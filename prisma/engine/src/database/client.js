import pg from 'pg';

import { connectionLostError, EngineError, sqlState, statementTimeoutError, transactionAbortedError } from '../errors.js';

/** "cached plan must not change result type": refused before anything was done. */
const STALE_PLAN = '0A000';
/** The session has lost its prepared statements, for example through DISCARD ALL. */
const UNKNOWN_STATEMENT = '26000';

/**
 * @typedef {object} ClientContext
 * @property {import('./statement-names.js').StatementNames} statementNames
 * @property {import('../metrics.js').Metrics} metrics
 * @property {Set<{ client: Client, since: number }>} running the statements that run, with the time at which each began
 * @property {number} socketTimeoutMs
 * @property {(text: string, ms: number) => void} onStatement
 */

/**
 * One connection. Every statement of the engine goes through `query`: those of clients' raw queries and those that the
 * WebAssembly engine writes.
 *
 * @param {ClientContext} context
 */
export function clientClass({ statementNames, metrics, running, socketTimeoutMs, onStatement }) {
  return class Client extends pg.Client {
    #abortError;
    isBroken = false;

    constructor(options) {
      super(options);
      // An idle connection that Postgres ends is nobody's failure; the pool drops it.
      this.on('error', () => {
        this.isBroken = true;
      });
    }

    /**
     * @param {import('pg').QueryConfig} config
     * @param {unknown[]} [values]
     */
    async query(config, values = config.values) {
      const name = values?.length > 0 ? statementNames.nameFor(config.text) : undefined;
      const started = performance.now();
      const giveUp = () => this.abort(statementTimeoutError(socketTimeoutMs));
      const timer = socketTimeoutMs > 0 ? setTimeout(giveUp, socketTimeoutMs) : undefined;
      const entry = { client: this, since: started };
      running.add(entry);
      try {
        // The extended protocol takes one statement only, so none can be smuggled in behind the first.
        const result = await super.query({ ...config, values, name, queryMode: 'extended' });
        if (config.text === 'COMMIT' && result.command === 'ROLLBACK') throw transactionAbortedError();
        return result;
      } catch (error) {
        if (error instanceof EngineError) throw error;
        if (error.code === STALE_PLAN && name !== undefined) statementNames.renew(config.text);
        // After a fatal error Postgres ends the session.
        if (error.code === UNKNOWN_STATEMENT || error.severity !== 'ERROR') this.isBroken = true;
        if (sqlState(error)) throw error;
        throw this.#abortError ?? connectionLostError(error);
      } finally {
        clearTimeout(timer);
        running.delete(entry);
        const ms = performance.now() - started;
        metrics.datasourceQuery(ms);
        onStatement(config.text, ms);
      }
    }

    /** Whether the error says that the statement was refused for its stale plan: it may be sent again. */
    static isStalePlan(error) {
      return error.code === STALE_PLAN && /cached plan/.test(error.message);
    }

    /** Cuts the connection; what runs on it fails with the error. */
    abort(error) {
      this.#abortError = error;
      this.isBroken = true;
      this.connection.stream.destroy();
    }
  };
}
