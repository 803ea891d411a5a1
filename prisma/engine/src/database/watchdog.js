import pg from 'pg';

import { sqlState } from '../errors.js';

/**
 * Tells a slow statement from a server that is gone. A statement may take as long as it takes, but a host that lost its
 * power or a stopped server leaves the connection open and silent. So while a statement runs for longer than the connect
 * timeout, a second connection asks whether the server is there; if not, what runs is failed rather than left hanging.
 *
 * @param {import('./pool.js').ConnectionPool} pool
 * @returns {() => void} stops it
 */
export function watchServer(pool) {
  const { connectTimeoutMs, client } = pool.url;
  if (connectTimeoutMs === 0) return () => {};
  let probing = false;

  const check = async () => {
    const now = performance.now();
    const isSlow = [...pool.running].some(({ since }) => now - since > connectTimeoutMs);
    if (probing || !isSlow) return;
    probing = true;
    const failure = await probe(client, connectTimeoutMs);
    probing = false;
    if (failure && !sqlState(failure)) pool.abortRunning(failure);
  };
  const timer = setInterval(check, Math.max(connectTimeoutMs / 5, 100));
  timer.unref();
  return () => clearInterval(timer);
}

/** @returns {Promise<Error | undefined>} why the server cannot be reached; an error with an SQLSTATE is an answer, too */
async function probe(options, timeoutMs) {
  const client = new pg.Client({ ...options, connectionTimeoutMillis: timeoutMs });
  client.on('error', () => {});
  try {
    await client.connect();
    return undefined;
  } catch (error) {
    return error;
  } finally {
    client.connection.stream.destroy();
  }
}
