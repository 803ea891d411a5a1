/**
 * The query engine of Prisma Client Python. The path of a request:
 *
 *     server.js            HTTP, the routes of the client
 *     queries.js           what kind of query it is
 *       raw/               raw statements, straight to the driver: the hot path
 *       protocol/          all others: GraphQL to Prisma's JSON protocol and back
 *       wasm/              Prisma's engine, and the adapter through which it reaches the database
 *     transactions.js      interactive transactions
 *     database/            the datasource, the pool and its connections, under both ways
 *     errors.js            everything that can go wrong, as the client reads it
 */
import { createRequire } from 'node:module';

import { connectionToTry, parseArguments } from './arguments.js';

async function main() {
  const url = connectionToTry(process.argv.slice(2));
  if (url !== undefined) {
    const { canConnect } = await import('./schema-cli.js');
    process.exitCode = (await canConnect(url)) ? 0 : 1;
    return;
  }
  const options = parseArguments(process.argv.slice(2));
  if (options.version) {
    const { prisma } = createRequire(import.meta.url)('@prisma/engines-version/package.json');
    console.log(`query-engine ${prisma.enginesVersion}`);
    return;
  }
  // Only now: the client asks for the version at every start, and need not wait for the rest to load.
  const { serve } = await import('./serve.js');
  await serve(options, process.env);
}

main().catch((error) => {
  console.error(`query-engine: ${error.message}`);
  process.exit(1);
});
