/**
 * With LOG_QUERIES every statement is written to standard output as a line of JSON, without its parameters: they are the
 * users' data.
 *
 * @param {NodeJS.ProcessEnv} environment
 * @returns {(text: string, ms: number) => void}
 */
export function queryLog(environment) {
  if (!environment.LOG_QUERIES) return () => {};
  return (query, ms) => {
    const line = { timestamp: new Date().toISOString(), level: 'INFO', fields: { query, duration_ms: Math.round(ms) } };
    process.stdout.write(`${JSON.stringify(line)}\n`);
  };
}
