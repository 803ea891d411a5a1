import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const require = createRequire(import.meta.url);
/** The package's list of exports leaves its engines out, so they are named by their files. */
const BUILD = join(dirname(require.resolve('prisma/package.json')), 'build');
const BINDINGS = join(BUILD, 'query_engine_bg.postgresql.js');

/**
 * Makes one instance of Prisma's query engine, compiled to WebAssembly: about 40 ms.
 *
 * @param {string} datamodel
 * @param {object} adapter a bound SQL driver adapter
 * @returns {Promise<object>} with `connect`, `query`, `startTransaction`, `commitTransaction`, `rollbackTransaction`
 */
export async function instantiate(datamodel, adapter) {
  // The bindings keep their instance in a variable of the module: another instance needs another copy of them.
  delete require.cache[BINDINGS];
  const bindings = require(BINDINGS);
  const bytes = readFileSync(join(BUILD, 'query_engine_bg.postgresql.wasm'));
  const { instance } = await WebAssembly.instantiate(bytes, { './query_engine_bg.js': bindings });
  bindings.__wbg_set_wasm(instance.exports);
  instance.exports.__wbindgen_start();
  const options = {
    datamodel,
    logLevel: 'error',
    logQueries: false,
    ignoreEnvVarErrors: true,
    datasourceOverrides: {},
    env: {},
    configDir: '.',
    engineProtocol: 'json',
    enableTracing: false,
  };
  return new bindings.QueryEngine(options, () => {}, adapter);
}
