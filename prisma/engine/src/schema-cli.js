import pg from 'pg';

import { parseDatasourceUrl } from './database/datasource-url.js';

/**
 * Connects and leaves. What goes wrong is written as the schema engine would, which is how it reaches the person.
 *
 * @param {string} url
 * @returns {Promise<boolean>} whether it could
 */
export async function canConnect(url) {
  try {
    const { client, connectTimeoutMs } = parseDatasourceUrl(url);
    const connection = new pg.Client({ ...client, connectionTimeoutMillis: connectTimeoutMs });
    await connection.connect();
    await connection.end();
    return true;
  } catch (error) {
    const fields = { error_code: 'P1001', message: `Can't reach the database: ${error.message || error.code}` };
    // The first line is not read.
    console.error(`\n${JSON.stringify({ level: 'ERROR', target: 'schema_engine::logger', fields })}`);
    return false;
  }
}
