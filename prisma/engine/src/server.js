import { createServer } from 'node:http';

import { parseJson, toEngineError } from './errors.js';

/**
 * The HTTP server, with the routes that Prisma Client Python knows. Failures are answered with 200 and `errors`, the only
 * shape of which the client makes an exception with a code.
 *
 * @param {object} engine
 * @param {import('./queries.js').Queries} engine.queries
 * @param {import('./transactions.js').Transactions} engine.transactions
 * @param {import('./metrics.js').Metrics} engine.metrics
 * @returns {import('node:http').Server}
 */
export function createEngineServer({ queries, transactions, metrics }) {
  const routes = {
    'GET /status': async () => json({ status: 'ok' }),

    'POST /': async ({ body, headers }) => {
      const transactionId = headers['x-transaction-id'];
      return { type: JSON_TYPE, text: await metrics.clientQuery(() => queries.run(body, transactionId)) };
    },

    'POST /transaction/start': async ({ body }) => json({ id: await transactions.start(parseJson(body)) }),

    'POST /transaction/:id/commit': async ({ id }) => {
      await transactions.commit(id);
      return json({});
    },

    'POST /transaction/:id/rollback': async ({ id }) => {
      await transactions.rollback(id);
      return json({});
    },

    'GET /metrics': async ({ body, url }) => {
      const labels = body.length > 0 ? parseJson(body) : {};
      return url.searchParams.get('format') === 'json'
        ? json(metrics.toJson(labels))
        : { type: 'text/plain; version=0.0.4', text: metrics.toPrometheus(labels) };
    },
  };

  const server = createServer(async (request, response) => {
    const url = new URL(request.url, 'http://localhost');
    const transaction = /^\/transaction\/([^/]+)\/(commit|rollback)$/.exec(url.pathname);
    const path = transaction ? `/transaction/:id/${transaction[2]}` : url.pathname;
    const route = routes[`${request.method} ${path}`];
    if (!route) {
      request.resume();
      response.writeHead(404).end();
      return;
    }
    let answer;
    try {
      const body = await readBody(request);
      answer = await route({ url, body, headers: request.headers, id: transaction?.[1] });
    } catch (error) {
      answer = json({ errors: [toEngineError(error)] });
    }
    const bytes = Buffer.from(answer.text);
    if (!server.listening) response.setHeader('Connection', 'close');
    response.writeHead(200, { 'Content-Type': answer.type, 'Content-Length': bytes.length }).end(bytes);
  });
  // The client keeps connections for as long as it likes; one that is closed under its hands fails its next query.
  server.keepAliveTimeout = 0;
  server.requestTimeout = 0;
  return server;
}

const JSON_TYPE = 'application/json';

function json(value) {
  return { type: JSON_TYPE, text: JSON.stringify(value) };
}

function readBody(request) {
  return new Promise((resolve, reject) => {
    const chunks = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', () => resolve(Buffer.concat(chunks)));
    request.on('error', reject);
  });
}
