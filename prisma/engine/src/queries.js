import { malformedRequestError, parseJson } from './errors.js';
import { undoIndentInsideStrings } from './protocol/client-text.js';
import { graphqlToJson } from './protocol/graphql-to-json.js';
import { toPlainAnswer } from './protocol/json-to-plain.js';
import { readModels } from './protocol/models.js';
import { readRawRequest } from './protocol/raw-request.js';
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
   * @param {Buffer} body JSON: `{"query": "…"}` or `{"batch": [{"query": "…"}, …], "transaction": true}`
   * @param {string | undefined} transactionId
   * @returns {Promise<string>} the answer, JSON
   */
  async run(body, transactionId) {
    const connection = transactionId === undefined ? this.#pool : this.#transactions.connection(transactionId);
    const raw = connection && readRawRequest(body);
    if (raw) return runRawStatement(raw, connection);

    const request = parseJson(body);
    if (Array.isArray(request.batch)) return this.#runBatch(request, transactionId);
    return JSON.stringify(toPlainAnswer(await this.#engine.query(this.#translate(request), transactionId)));
  }

  async #runBatch({ batch, transaction }, transactionId) {
    const queries = batch.map((query) => this.#translate(query));
    const request = `{"batch":[${queries.join(',')}]${transaction ? ',"transaction":{}' : ''}}`;
    const answer = JSON.parse(await this.#engine.query(request, transactionId));
    return JSON.stringify({ batchResult: answer.batchResult.map((result) => toPlainAnswer(JSON.stringify(result))) });
  }

  #translate({ query }) {
    if (typeof query !== 'string') throw malformedRequestError('no query');
    return graphqlToJson(undoIndentInsideStrings(query), this.#models);
  }
}
