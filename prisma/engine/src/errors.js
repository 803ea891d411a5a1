/**
 * Errors in the shape by which Prisma Client Python picks its exception:
 *
 *     {"error": "…", "user_facing_error": {"is_panic": false, "message": "…", "meta": {…}, "error_code": "P2010"}}
 *
 * `meta.code` is the SQLSTATE where there is one, so that a caller can tell a fault of the data (22, 23) from one that
 * passes (08, 40, 53, 57).
 */
export class EngineError extends Error {
  /**
   * @param {string} code of Prisma's error reference
   * @param {string} message
   * @param {Record<string, unknown>} [meta]
   * @param {string} [detail] the text in `error`, by which the client tells an expired transaction
   */
  constructor(code, message, meta = {}, detail = message) {
    super(message);
    this.code = code;
    this.meta = meta;
    this.detail = detail;
  }

  toJSON() {
    return {
      error: this.detail,
      user_facing_error: { is_panic: false, message: this.message, meta: this.meta, error_code: this.code },
    };
  }
}

/** No connection to the database could be made. SQLSTATEs that say why have codes of their own. */
export function connectError(error, address, database) {
  // A name with several addresses fails with one error for each, and no message of its own.
  const message = error.message || error.errors?.[0]?.message || String(error.code);
  const meta = { code: sqlState(error) ?? '08001', message, address };
  switch (meta.code) {
    case '28P01':
    case '28000':
      return new EngineError('P1000', `Authentication failed at the database server ${address}: ${message}`, meta);
    case '3D000':
      return new EngineError('P1003', `Database ${database} does not exist on the server at ${address}`, meta);
    case '53300':
      return new EngineError('P2037', `Too many database connections opened: ${message}`, meta);
    default:
      return new EngineError('P1001', `Can't reach database server at ${address}: ${message}`, meta);
  }
}

/** The connection went while a statement ran on it. Whether that took effect is unknown. */
export function connectionLostError(error) {
  const meta = { code: '08006', message: error.message };
  return new EngineError('P1017', `Server has closed the connection: ${error.message}`, meta);
}

/** A statement was given up on after `ms`, and its connection with it. Whether it took effect is unknown. */
export function statementTimeoutError(ms) {
  const meta = { code: '08006', message: `no answer within ${ms} ms` };
  return new EngineError('P1008', `Operations timed out after ${ms} ms`, meta);
}

export function poolTimeoutError(ms, limit) {
  const message = `Timed out fetching a new connection from the connection pool (timeout: ${ms} ms, connection limit: ${limit})`;
  return new EngineError('P2024', message, { connection_limit: limit, timeout: ms / 1000 });
}

/** What Postgres says about a raw statement. */
export function rawStatementError(error) {
  const meta = { code: error.code, message: error.message };
  // Names only: the detail of a constraint's violation holds the whole row.
  for (const name of ['table', 'column', 'constraint']) {
    if (error[name] !== undefined) meta[name] = error[name];
  }
  return new EngineError('P2010', `Raw query failed. Code: \`${error.code}\`. Message: \`${error.message}\``, meta);
}

export function transactionNotFoundError() {
  const detail =
    "Transaction not found. Transaction ID is invalid, refers to an old closed transaction Prisma doesn't have " +
    'information about anymore, or was obtained before disconnecting.';
  return new EngineError('P2028', `Transaction API error: ${detail}`, { error: detail }, detail);
}

export function transactionClosedError() {
  const detail = 'Transaction already closed: its timeout is over, and it was rolled back.';
  return new EngineError('P2028', `Transaction API error: ${detail}`, { error: detail }, detail);
}

export function transactionStartTimeoutError() {
  const detail = 'Unable to start a transaction in the given time.';
  return new EngineError('P2028', `Transaction API error: ${detail}`, { error: detail }, detail);
}

/** Postgres answers COMMIT with success even where it rolls back, because a statement before had failed. */
export function transactionAbortedError() {
  const detail = 'The transaction was rolled back instead of committed, because a statement in it had failed.';
  return new EngineError('P2028', `Transaction API error: ${detail}`, { error: detail }, detail);
}

/** The request is not one that the client sends. */
export function malformedRequestError(message) {
  return new EngineError('P2009', `Failed to validate the query: ${message}`);
}

/** @param {Buffer | string} text */
export function parseJson(text) {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw malformedRequestError(`the body is not JSON: ${error.message}`);
  }
}

/** @returns {string | undefined} the SQLSTATE, when it is Postgres that speaks */
export function sqlState(error) {
  return typeof error?.severity === 'string' && /^[0-9A-Z]{5}$/.test(error.code ?? '') ? error.code : undefined;
}

/** @returns {EngineError} whatever was thrown, as the client can read it */
export function toEngineError(error) {
  if (error instanceof EngineError) return error;
  if (sqlState(error)) return rawStatementError(error);
  return new EngineError('P2036', `Error in the query engine: ${error?.stack ?? error}`);
}
