import { parseArgs } from 'node:util';

/**
 * @typedef {object} Arguments
 * @property {boolean} version
 * @property {number} port 0 lets the system choose
 * @property {boolean} metrics
 * @property {boolean} rawQueries
 */

/**
 * The command line, as Prisma Client Python writes it: `-p 40001 --enable-metrics --enable-raw-queries`.
 *
 * @param {string[]} argv
 * @returns {Arguments}
 */
export function parseArguments(argv) {
  const { values } = parseArgs({
    args: argv,
    options: {
      version: { type: 'boolean', default: false },
      port: { type: 'string', short: 'p', default: '0' },
      'enable-metrics': { type: 'boolean', default: false },
      'enable-raw-queries': { type: 'boolean', default: false },
      // The native engine serves a page for trying out GraphQL with this. There is none here, and it does no harm.
      'enable-playground': { type: 'boolean', default: false },
    },
  });
  const port = Number(values.port);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new Error(`not a port: ${values.port}`);
  return {
    version: values.version,
    port,
    metrics: values['enable-metrics'],
    rawQueries: values['enable-raw-queries'],
  };
}

/**
 * Some commands of Prisma's (`migrate resolve --rolled-back` is one) first start the native schema engine to see whether
 * they can connect, even where they then use its WebAssembly build: `cli --datasource <url> can-connect-to-database`.
 *
 * @param {string[]} argv
 * @returns {string | undefined} the URL, when that is what is asked
 */
export function connectionToTry(argv) {
  const [command, option, url, question] = argv;
  const asked = command === 'cli' && option === '--datasource' && question === 'can-connect-to-database';
  return asked ? url : undefined;
}
