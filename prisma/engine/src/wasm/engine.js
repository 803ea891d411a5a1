import { EngineError, transactionClosedError } from '../errors.js';
import { instantiate } from './instance.js';

/** Trace context: the engine insists on one, and nobody reads it here. */
const NO_TRACE = '{}';
/** The engine's code for "an error that JavaScript knows by this number". */
const EXTERNAL_ERROR = 'P2036';

/**
 * Prisma's query engine behind promises that always settle. It speaks Prisma's JSON protocol and reaches the database
 * through the adapter.
 */
export class WasmEngine {
  #datamodel;
  #adapter;
  #loading;
  #calls = new Set();
  #lastRequestId = 0;

  /**
   * @param {string} datamodel
   * @param {import('./adapter.js').EngineAdapter} adapter
   */
  constructor(datamodel, adapter) {
    this.#datamodel = datamodel;
    this.#adapter = adapter;
  }

  /** Makes the instance, which is otherwise made by the first query. */
  load() {
    this.#loading ??= this.#connect().catch((error) => {
      this.#loading = undefined;
      throw error;
    });
    return this.#loading;
  }

  async #connect() {
    const engine = await instantiate(this.#datamodel, this.#adapter.bound);
    await engine.connect(NO_TRACE, this.#nextRequestId());
    return engine;
  }

  /**
   * @param {string} request in the JSON protocol
   * @param {string | undefined} [transactionId]
   * @returns {Promise<string>} the answer, JSON; throws what the answer holds as errors
   */
  async query(request, transactionId) {
    const answer = await this.#call((engine, id) => engine.query(request, NO_TRACE, transactionId, id));
    if (answer.startsWith('{"errors"')) throw this.#toError(JSON.parse(answer).errors[0]);
    return answer;
  }

  /** @param {{ max_wait: number, timeout: number, isolation_level?: string }} options in milliseconds */
  async startTransaction(options) {
    const text = JSON.stringify(options);
    return this.#settle(await this.#call((engine, id) => engine.startTransaction(text, NO_TRACE, id))).id;
  }

  async commitTransaction(id) {
    this.#settle(await this.#call((engine, request) => engine.commitTransaction(id, NO_TRACE, request)));
  }

  async rollbackTransaction(id) {
    this.#settle(await this.#call((engine, request) => engine.rollbackTransaction(id, NO_TRACE, request)));
  }

  /**
   * After a trap the instance's memory is in no known state and its promises never settle: those who wait are told, and
   * the next query gets a new instance.
   *
   * @param {Error} trap
   */
  abandon(trap) {
    this.#loading = undefined;
    this.#adapter.abandonTransactions();
    const error = new EngineError('P2036', `The query engine panicked: ${trap.stack}`);
    for (const fail of [...this.#calls]) fail(error);
  }

  async #call(run) {
    let fail;
    const trapped = new Promise((_resolve, reject) => {
      fail = reject;
    });
    this.#calls.add(fail);
    try {
      const engine = await Promise.race([this.load(), trapped]);
      return await Promise.race([run(engine, this.#nextRequestId()), trapped]);
    } catch (error) {
      throw error instanceof EngineError ? error : this.#thrownError(error);
    } finally {
      this.#calls.delete(fail);
    }
  }

  /** The engine wants a decimal number in a string. */
  #nextRequestId() {
    this.#lastRequestId = (this.#lastRequestId + 1) % 1_000_000_000;
    return String(this.#lastRequestId);
  }

  /** Transaction calls answer with a user-facing error where they fail. */
  #settle(text) {
    const answer = JSON.parse(text ?? '{}') ?? {};
    if (answer.error_code) throw this.#toError({ user_facing_error: answer });
    return answer;
  }

  #thrownError(error) {
    try {
      return this.#toError({ user_facing_error: JSON.parse(error.message ?? error) });
    } catch {
      return error;
    }
  }

  #toError({ error, user_facing_error: facing }) {
    const { error_code: code, message, meta = {} } = facing;
    if (code === EXTERNAL_ERROR) {
      const original = this.#adapter.errors.consumeError(meta.id)?.error;
      if (original) return original;
    }
    // Only ids that it gave out reach the engine; for a moment after a timeout it knows them neither as open nor as closed.
    if (code === 'P2028' && message.includes('Transaction not found')) return transactionClosedError();
    return new EngineError(code, message, meta, meta.error ?? error ?? message);
  }
}
