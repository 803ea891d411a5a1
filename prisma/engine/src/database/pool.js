import pg from 'pg';

import { connectError, connectionLostError, poolTimeoutError } from '../errors.js';
import { clientClass } from './client.js';
import { Slots } from './slots.js';
import { StatementNames } from './statement-names.js';

/**
 * The connections to the database. Those who find all of them taken wait at most the pool timeout; a connection that
 * cannot be made fails at once everybody who waits for one; one that broke is dropped and made anew when it is needed.
 */
export class ConnectionPool extends pg.Pool {
  #url;
  #slots;
  #metrics;
  #reserved = 0;
  #Client;

  /**
   * @param {import('./datasource-url.js').DatasourceUrl} url
   * @param {import('../metrics.js').Metrics} metrics
   * @param {(text: string, ms: number) => void} onStatement
   */
  constructor(url, metrics, onStatement) {
    const running = new Set();
    const statementNames = new StatementNames(url.statementCacheSize);
    const { socketTimeoutMs } = url;
    const Client = clientClass({ statementNames, metrics, running, socketTimeoutMs, onStatement });
    super({
      ...url.client,
      Client,
      max: url.connectionLimit,
      connectionTimeoutMillis: url.connectTimeoutMs,
      idleTimeoutMillis: url.idleTimeoutMs,
    });
    this.running = running;
    this.url = url;
    this.#url = url;
    this.#Client = Client;
    this.#metrics = metrics;
    this.#slots = new Slots(url.connectionLimit);
    this.on('connect', () => metrics.connectionOpened());
    this.on('remove', () => metrics.connectionClosed());
    this.on('release', () => this.#slots.release());
    this.on('error', () => {});
    metrics.observePool(this);
  }

  get waiting() {
    return this.#slots.waiting;
  }

  /**
   * Sets a connection aside for the next `connect`, for those who wait shorter or longer than the pool timeout.
   *
   * @param {number} timeoutMs
   * @param {() => Error} timeoutError
   */
  async reserve(timeoutMs, timeoutError) {
    await this.#slots.acquire(timeoutMs, timeoutError);
    this.#reserved += 1;
  }

  async connect() {
    const started = performance.now();
    const { poolTimeoutMs, connectionLimit } = this.#url;
    if (this.#reserved > 0) this.#reserved -= 1;
    else await this.#slots.acquire(poolTimeoutMs, () => poolTimeoutError(poolTimeoutMs, connectionLimit));
    this.#metrics.waited(performance.now() - started);
    try {
      return await super.connect();
    } catch (cause) {
      const error = connectError(cause, this.#url.address, this.#url.client.database);
      this.#slots.failWaiting(error);
      this.#slots.release();
      throw error;
    }
  }

  /**
   * Runs one statement outside a transaction. It is never sent twice, but for when Postgres has refused to begin it.
   *
   * @param {import('pg').QueryConfig} config
   * @param {unknown[]} [values]
   */
  async query(config, values = config.values) {
    const client = await this.connect();
    try {
      return await client.query(config, values);
    } catch (error) {
      if (this.#Client.isStalePlan(error)) return await client.query(config, values);
      throw error;
    } finally {
      client.release(client.isBroken);
    }
  }

  /** Cuts every connection on which a statement runs. */
  abortRunning(cause) {
    for (const { client } of this.running) client.abort(connectionLostError(cause));
  }
}
