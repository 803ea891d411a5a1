import pg from 'pg';

import { connectionLostError, sqlState, statementTimeoutError } from '../errors.js';

/** "cached plan must not change result type": refused before anything was done. */
const STALE_PLAN = '0A000';
/** The session has lost its prepared statements, for example through DISCARD ALL. */
const UNKNOWN_STATEMENT = '26000';

/**
 * @typedef {object} ClientContext
 * @property {import('./statement-names.js').StatementNames} statementNames
 * @property {import('../metrics.js').Metrics} metrics
 * @property {Set<Client>} running the connections on which a statement runs
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
    runningSince = 0;

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
      const timer =
        socketTimeoutMs > 0 ? setTimeout(() => this.abort(statementTimeoutError(socketTimeoutMs)), socketTimeoutMs) : undefined;
      if (!running.has(this)) this.runningSince = started;
      running.add(this);
      try {
        // The extended protocol takes one statement only: a parameter that closes a string cannot add another.
        return await super.query({ ...config, values, name, queryMode: 'extended' });
      } catch (error) {
        if (error.code === STALE_PLAN && name !== undefined) statementNames.renew(config.text);
        // After a fatal error Postgres ends the session.
        if (error.code === UNKNOWN_STATEMENT || error.severity !== 'ERROR') this.isBroken = true;
        if (sqlState(error)) throw error;
        throw this.#abortError ?? connectionLostError(error);
      } finally {
        clearTimeout(timer);
        running.delete(this);
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
