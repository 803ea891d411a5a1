/** How long running requests may take to finish once the engine is told to stop. */
const DRAIN_MS = 10_000;
/** Nobody reads the answers of an engine whose parent is gone, but what was begun may still be committed. */
const ORPHAN_DRAIN_MS = 1_000;
const PARENT_CHECK_MS = 250;

/**
 * Stops the engine on SIGINT or SIGTERM, or when the process that started it is gone: the client has no other
 * way to end it when it is killed itself.
 *
 * @param {import('node:http').Server} server
 * @param {import('./database/pool.js').ConnectionPool} pool
 * @param {number} parent the process id of who started the engine
 */
export function stopWhenTold(server, pool, parent) {
  let isStopping = false;
  const stop = async (drainMs) => {
    if (isStopping) return;
    isStopping = true;
    await Promise.race([drain(server, pool), new Promise((resolve) => setTimeout(resolve, drainMs))]);
    process.exit(0);
  };
  process.on('SIGINT', () => stop(DRAIN_MS));
  process.on('SIGTERM', () => stop(DRAIN_MS));
  const watch = () => process.ppid !== parent && stop(ORPHAN_DRAIN_MS);
  watch();
  setInterval(watch, PARENT_CHECK_MS).unref();
}

/** Takes no more requests, finishes those that run, then says goodbye to Postgres. */
async function drain(server, pool) {
  await new Promise((resolve) => {
    server.close(resolve);
    server.closeIdleConnections();
  });
  // A transaction that is still open keeps its connection; ending the process rolls it back.
  if (pool.totalCount === pool.idleCount) await pool.end();
}
