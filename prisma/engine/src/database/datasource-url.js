import { readFileSync } from 'node:fs';
import { isAbsolute, resolve } from 'node:path';

/**
 * @typedef {object} DatasourceUrl
 * @property {import('pg').ClientConfig} client how to reach the server, for the `pg` driver
 * @property {string} address `host:port` or the socket's path, for messages
 * @property {string | undefined} schema
 * @property {number} connectionLimit
 * @property {number} connectTimeoutMs
 * @property {number} poolTimeoutMs how long a request waits for a free connection; 0 waits for ever
 * @property {number} socketTimeoutMs how long a statement may take; 0 is no limit
 * @property {number} idleTimeoutMs
 * @property {number} statementCacheSize prepared statements per connection; 0 turns them off
 */

/**
 * Reads a Prisma datasource URL. Parameters and defaults are those of Prisma's PostgreSQL connector, but that
 * `connection_limit` is 5 by default whatever the number of processors.
 *
 * @param {string} text `postgresql://user:password@host:port/database?parameters`
 * @param {string} [baseDirectory] what relative certificate paths are relative to
 * @returns {DatasourceUrl}
 */
export function parseDatasourceUrl(text, baseDirectory = process.cwd()) {
  if (!/^postgres(ql)?:\/\//.test(text)) {
    throw new Error('the datasource URL must start with postgresql:// or postgres://');
  }
  // A URL with a user but no host is how sockets are written: postgresql://user@/database?host=/run/postgresql
  const url = new URL(text.replace(/^([^/]+:\/\/[^/?]*@)(?=[:/])/, '$1localhost'));
  const parameters = url.searchParams;
  const seconds = (name, fallback) => 1000 * number(parameters, name, fallback);
  const host = parameters.get('host') || decodeURIComponent(url.hostname) || 'localhost';
  const port = Number(url.port || 5432);
  const schema = parameters.get('schema') ?? undefined;

  return {
    client: {
      host: host.replace(/^\[(.*)\]$/, '$1'),
      port,
      user: decodeURIComponent(url.username) || 'postgres',
      password: decodeURIComponent(url.password),
      database: decodeURIComponent(url.pathname.slice(1)) || 'postgres',
      application_name: parameters.get('application_name') ?? undefined,
      options: sessionOptions(parameters, schema),
      ssl: host.startsWith('/') ? false : tls(parameters, baseDirectory),
      keepAlive: true,
      keepAliveInitialDelayMillis: 5_000,
    },
    address: host.startsWith('/') ? `${host}/.s.PGSQL.${port}` : `${host}:${port}`,
    schema,
    connectionLimit: Math.max(1, number(parameters, 'connection_limit', 5)),
    connectTimeoutMs: seconds('connect_timeout', 5),
    poolTimeoutMs: seconds('pool_timeout', 10),
    socketTimeoutMs: seconds('socket_timeout', 0),
    idleTimeoutMs: seconds('max_idle_connection_lifetime', 300),
    statementCacheSize: parameters.get('pgbouncer') === 'true' ? 0 : number(parameters, 'statement_cache_size', 100),
  };
}

function number(parameters, name, fallback) {
  const text = parameters.get(name);
  if (text === null || text === '') return fallback;
  const value = Number(text);
  if (!Number.isFinite(value) || value < 0) {
    throw new Error(`the parameter ${name} of the datasource URL must be a number of at least 0, not "${text}"`);
  }
  return value;
}

/** Server settings of every session, as the `options` of the start-up message. */
function sessionOptions(parameters, schema) {
  const options = [parameters.get('options') ?? ''];
  const set = (name, value) => options.push(`-c ${name}=${String(value).replace(/[\\ ]/g, '\\$&')}`);
  for (const name of ['statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout']) {
    if (parameters.has(name)) set(name, number(parameters, name, 0));
  }
  if (schema !== undefined) set('search_path', `"${schema.replaceAll('"', '""')}"`);
  // Timestamps arrive as text in the session's time zone, and everything that reads them takes them for UTC.
  set('TimeZone', 'UTC');
  return options.join(' ').trim();
}

/**
 * `prefer`, Prisma's default, would try TLS first and fall back; the driver cannot, so it connects without TLS.
 * A certificate authority that is given is used to verify, unless `sslaccept=accept_invalid_certs` says otherwise.
 */
function tls(parameters, baseDirectory) {
  const mode = parameters.get('sslmode') ?? 'prefer';
  if (['disable', 'allow', 'prefer'].includes(mode)) return false;
  if (!['require', 'verify-ca', 'verify-full'].includes(mode)) throw new Error(`unknown sslmode "${mode}"`);

  const file = (name) => {
    const path = parameters.get(name);
    return path ? readFileSync(isAbsolute(path) ? path : resolve(baseDirectory, path)) : undefined;
  };
  // With a key beside it `sslcert` is the client's certificate, as libpq has it; alone it is the authority's, as Prisma has it.
  const isClientCertificate = parameters.has('sslkey');
  const ca = file('sslrootcert') ?? (isClientCertificate ? undefined : file('sslcert'));
  const accept = parameters.get('sslaccept');
  const verify = accept === 'strict' || mode !== 'require' || (ca !== undefined && accept !== 'accept_invalid_certs');
  return {
    ca,
    cert: isClientCertificate ? file('sslcert') : undefined,
    key: file('sslkey'),
    pfx: file('sslidentity'),
    passphrase: parameters.get('sslpassword') ?? undefined,
    rejectUnauthorized: verify,
    ...(mode === 'verify-ca' ? { checkServerIdentity: () => undefined } : {}),
  };
}
