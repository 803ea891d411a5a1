import { malformedRequestError } from './errors.js';
import { undoIndentInsideStrings } from './protocol/client-text.js';
import { graphqlToJson } from './protocol/graphql-to-json.js';
import { toPlainAnswer } from './protocol/json-to-plain.js';
import { readModels } from './protocol/models.js';
import { parseRawStatement } from './protocol/raw-statement.js';
import { runRawStatement } from './raw/statement.js';

/** What `POST /` asks for: one query, or several as one batch. */
export class Queries {
  #pool;
  #engine;
  #transactions;
  #models;

  /**
   * @param {import('./database/pool.js').ConnectionPool} pool
   * @param {import('./wasm/engine.js').WasmEngine} engine
   * @param {import('./transactions.js').Transactions} transactions
   * @param {string} datamodel
   */
  constructor(pool, engine, transactions, datamodel) {
    this.#pool = pool;
    this.#engine = engine;
    this.#transactions = transactions;
    this.#models = readModels(datamodel);
  }

  /**
   * @param {{ query?: string, batch?: { query: string }[], transaction?: boolean }} request
   * @param {string | undefined} transactionId
   * @returns {Promise<string>} the answer, JSON
   */
  async run(request, transactionId) {
    if (transactionId !== undefined) this.#transactions.check(transactionId);
    if (Array.isArray(request.batch)) return this.#runBatch(request, transactionId);
    if (typeof request.query !== 'string') throw malformedRequestError('no query');

    const text = undoIndentInsideStrings(request.query);
    const raw = parseRawStatement(text);
    const connection = transactionId === undefined ? this.#pool : this.#transactions.connection(transactionId);
    if (raw && connection) return runRawStatement(raw, connection);
    const answer = await this.#engine.query(graphqlToJson(text, this.#models), transactionId);
    return JSON.stringify(toPlainAnswer(answer));
  }

  async #runBatch({ batch, transaction }, transactionId) {
    const queries = batch.map(({ query }) => graphqlToJson(undoIndentInsideStrings(query), this.#models));
    const request = `{"batch":[${queries.join(',')}]${transaction ? ',"transaction":{}' : ''}}`;
    const answer = JSON.parse(await this.#engine.query(request, transactionId));
    return JSON.stringify({ batchResult: answer.batchResult.map((result) => toPlainAnswer(JSON.stringify(result))) });
  }
}
