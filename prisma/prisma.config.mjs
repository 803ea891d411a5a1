/**
 * What `prisma migrate` and `prisma db` use: the WebAssembly schema engine over the `pg` driver, so that they need no
 * binary from the vendor's CDN.
 */
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

import { parseDatasourceUrl } from './engine/src/database/datasource-url.js';

const fromEngine = createRequire(new URL('./engine/package.json', import.meta.url));
const { PrismaPg } = fromEngine('@prisma/adapter-pg');
const { ColumnTypeEnum, DriverAdapterError } = fromEngine('@prisma/driver-adapter-utils');

/** Types of system catalogues: the schema engine reads them, the adapter does not know them. They read like text. */
const CHAR_OID = 18;
const NAME_OID = 19;
const TEXT_OID = 25;

class SchemaEngineAdapterFactory extends PrismaPg {
  async connect() {
    const adapter = await super.connect();
    const pool = adapter.underlyingDriver();
    const performIO = adapter.performIO.bind(adapter);
    const queryRaw = adapter.queryRaw.bind(adapter);
    const charColumns = new WeakMap();

    adapter.performIO = async (query) => {
      const result = await performIO(query).catch(rethrowReadable);
      // A script of several statements has several results and no fields; nobody reads them.
      const fields = result.fields ?? [];
      charColumns.set(result.rows ?? result, [...fields.keys()].filter((i) => fields[i].dataTypeID === CHAR_OID));
      for (const field of fields) {
        if (field.dataTypeID === CHAR_OID || field.dataTypeID === NAME_OID) field.dataTypeID = TEXT_OID;
      }
      return result;
    };

    adapter.queryRaw = async (query) => {
      const result = await queryRaw(query);
      for (const column of charColumns.get(result.rows)) result.columnTypes[column] = ColumnTypeEnum.Character;
      return result;
    };

    // The adapter's own version splits a migration at every `;`, also inside `$$ … $$` and string literals, so one with
    // a function or a `DO` block would fail half-way. As one query it is one transaction: all of it or nothing.
    adapter.executeScript = async (script) => {
      try {
        await pool.query(script);
      } catch (error) {
        try {
          adapter.onError(error);
        } catch (converted) {
          rethrowReadable(converted);
        }
      }
    };
    return adapter;
  }

  /** The adapter's own version ignores the new database's name and drops it while still connected to it. */
  async connectToShadowDb() {
    const database = `prisma_migrate_shadow_db_${crypto.randomUUID()}`;
    const admin = await this.connect();
    await admin.executeScript(`CREATE DATABASE "${database}"`);
    const shadow = await new SchemaEngineAdapterFactory({ ...this.config, database }, this.options).connect();
    const disconnect = shadow.dispose.bind(shadow);
    shadow.dispose = async () => {
      await disconnect();
      await admin.executeScript(`DROP DATABASE "${database}" WITH (FORCE)`);
      await admin.dispose();
    };
    return shadow;
  }
}

/** An error that the adapter has no name for would be shown as `External error id#0`. */
function rethrowReadable(error) {
  if (error instanceof DriverAdapterError) throw error;
  throw new DriverAdapterError({
    kind: 'postgres',
    code: error.code ?? '08006',
    severity: 'FATAL',
    message: error.message,
  });
}

// The schema engine guards its lock with a timer of 10 to 60 seconds that it never clears. Without this the command
// would sit there that long after its work is done.
const startTimer = globalThis.setTimeout;
globalThis.setTimeout = (callback, delay, ...rest) => {
  const timer = startTimer(callback, delay, ...rest);
  return delay >= 10_000 ? timer.unref() : timer;
};

export default {
  schema: fileURLToPath(new URL('./schema.prisma', import.meta.url)),
  migrations: { path: fileURLToPath(new URL('./migrations', import.meta.url)) },
  experimental: { adapter: true },
  engine: 'js',
  adapter: async () => {
    if (!process.env.DATABASE_URL) throw new Error('DATABASE_URL is not set');
    const { client, schema, connectTimeoutMs } = parseDatasourceUrl(process.env.DATABASE_URL);
    return new SchemaEngineAdapterFactory(
      { ...client, connectionTimeoutMillis: connectTimeoutMs, allowExitOnIdle: true },
      { schema },
    );
  },
};
