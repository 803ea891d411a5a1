import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

import { parseDatasourceUrl } from './datasource-url.js';

/**
 * The schema that the client was generated from, and the database it is to be run against.
 *
 * @param {NodeJS.ProcessEnv} environment with `PRISMA_DML_PATH`, the schema's path, and optionally
 *   `OVERWRITE_DATASOURCES`, `[{"name": "db", "url": "postgresql://…"}]`
 * @returns {{ datamodel: string, url: import('./datasource-url.js').DatasourceUrl }}
 */
export function readDatasource(environment) {
  const path = environment.PRISMA_DML_PATH;
  if (!path) throw new Error('PRISMA_DML_PATH is not set: it names the Prisma schema');
  const datamodel = readFileSync(path, 'utf8');
  const { name, url } = datasourceBlock(datamodel, environment);
  const overrides = JSON.parse(environment.OVERWRITE_DATASOURCES || '[]');
  const text = overrides.find((override) => override.name === name)?.url ?? url();
  return { datamodel, url: parseDatasourceUrl(text, dirname(resolve(path))) };
}

function datasourceBlock(datamodel, environment) {
  const block = /^\s*datasource\s+(\w+)\s*\{([^}]*)\}/m.exec(datamodel);
  if (!block) throw new Error('the schema has no datasource');
  const [, name, body] = block;
  const url = /^\s*url\s*=\s*(?:env\(\s*"([^"]+)"\s*\)|"([^"]*)")/m.exec(body);
  return {
    name,
    url: () => {
      if (!url) throw new Error(`the datasource ${name} has no url`);
      const [, variable, literal] = url;
      if (literal !== undefined) return literal;
      if (!environment[variable]) throw new Error(`the environment variable ${variable} is not set`);
      return environment[variable];
    },
  };
}
