import { ConnectionPool } from './database/pool.js';
import { readDatasource } from './database/datasource.js';
import { watchServer } from './database/watchdog.js';
import { stopWhenTold } from './lifecycle.js';
import { queryLog } from './log.js';
import { Metrics } from './metrics.js';
import { Queries } from './queries.js';
import { createEngineServer } from './server.js';
import { Transactions } from './transactions.js';
import { EngineAdapter } from './wasm/adapter.js';
import { WasmEngine } from './wasm/engine.js';

/**
 * Puts the parts together and listens, on this machine only. The database need not be there yet.
 *
 * @param {import('./arguments.js').Arguments} options
 * @param {NodeJS.ProcessEnv} environment
 */
export async function serve(options, environment) {
  const { datamodel, url } = readDatasource(environment);
  const metrics = new Metrics();
  const pool = new ConnectionPool(url, metrics, queryLog(environment));
  const adapter = await EngineAdapter.create(pool, url.schema);
  const engine = new WasmEngine(datamodel, adapter);
  const transactions = new Transactions(engine, adapter, pool);
  const queries = new Queries(pool, engine, transactions, datamodel);
  const server = createEngineServer({ queries, transactions, metrics });

  process.on('uncaughtException', (error) => {
    console.error('query-engine:', error);
    if (error instanceof WebAssembly.RuntimeError) engine.abandon(error);
  });
  process.on('unhandledRejection', (error) => console.error('query-engine:', error));
  stopWhenTold(server, pool, Number(environment.SLUICE_ENGINE_PARENT ?? process.ppid));
  watchServer(pool);
  await new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, '127.0.0.1', resolve);
  });
  await engine.load();
}
