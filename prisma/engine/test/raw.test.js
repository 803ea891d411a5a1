import assert from 'node:assert/strict';
import { test } from 'node:test';

import { readRawRequest } from '../src/protocol/raw-request.js';
import { columnType } from '../src/raw/column-types.js';
import { parseParameters } from '../src/raw/parameters.js';

/** As Prisma Client Python builds it, with Python's separators. */
function body(action, sql, parameters) {
  const query =
    `mutation {\n  result: ${action}\n  (\n    query: ${JSON.stringify(sql)}\n` +
    `    parameters: ${JSON.stringify(parameters)}\n  )\n}`;
  return Buffer.from(`{"variables": {}, "operation_name": "mutation", "query": ${JSON.stringify(query)}}`);
}

function valuesOf(parameters) {
  const statement = readRawRequest(body('queryRaw', 'SELECT 1', parameters));
  return parseParameters(statement.parameters, statement.longStrings);
}

test('a raw query is recognised by its exact text', () => {
  const statement = readRawRequest(body('executeRaw', 'SELECT "a"\n -- $1', '["x"]'));
  assert.equal(statement.action, 'executeRaw');
  assert.equal(statement.sql, 'SELECT "a"\n -- $1');
  assert.equal(statement.parameters, '["x"]');
});

test('anything else is left to the general way', () => {
  assert.equal(readRawRequest(Buffer.from('{"query": "query { result: findManyTag { name } }"}')), undefined);
  assert.equal(readRawRequest(body('findManyTag', 'SELECT 1', '[]')), undefined);
  const twoFields = body('queryRaw', 'SELECT 1', '[]').toString().replace(')\\n}', ')\\n other }');
  assert.equal(readRawRequest(Buffer.from(twoFields)), undefined);
});

test('long strings keep their place', () => {
  const long = (letter) => letter.repeat(5_000);
  assert.deepEqual(valuesOf(`["a", "${long('b')}", 1, "${long('c')}"]`), ['a', long('b'), '1', long('c')]);
  assert.deepEqual(valuesOf(`[["${long('b')}", "x"], null]`), [[long('b'), 'x'], null]);
});

test('what stands between two strings is never taken for one', () => {
  const numbers = Array.from({ length: 2_000 }, (_, n) => String(n));
  assert.deepEqual(valuesOf(`["[", ${numbers.join(', ')}, "]"]`), ['[', ...numbers, ']']);
});

test('objects and escapes stay as they are, however long', () => {
  const long = 'x'.repeat(5_000);
  assert.deepEqual(valuesOf(`[{"k": "${long}"}, "${long}"]`), [`{"k": "${long}"}`, long]);
  assert.deepEqual(valuesOf(`["\\"${long}", "\\\\", "${long}"]`), [`"${long}`, '\\', long]);
});

test('parameters keep every digit', () => {
  const none = new Map();
  const text = '[9223372036854775807, -1.50, 1e-07, true, null, [1, [2]], {"n": 12345678901234567890}, "}\\"]"]';
  assert.deepEqual(parseParameters(text, none), [
    ...['9223372036854775807', '-1.50', '1e-07', true, null, ['1', ['2']], '{"n": 12345678901234567890}', '}"]'],
  ]);
  assert.deepEqual(parseParameters('[]', none), []);
  for (const bad of ['', '[', '[1', '{}', '[1] 2', '[nope]', '["a]', '[{]']) {
    assert.throws(() => parseParameters(bad, none), { code: 'P2009' }, bad);
  }
});

test('values become JSON by their type', () => {
  const cases = [
    [16, 't', 'true'],
    [20, '9223372036854775807', '"9223372036854775807"'],
    [701, '1e+22', '1e+22'],
    [701, '-Infinity', 'null'],
    [1700, '1.50', '"1.50"'],
    [790, '-$1,234.50', '"-1234.50"'],
    [3802, '{"a": 1.50}', '{"a": 1.50}'],
    [17, '\\x00ff', '"AP8="'],
    [1184, '2026-01-02 03:04:05.5+00', '"2026-01-02T03:04:05.500+00:00"'],
    [1184, '2026-01-02 03:04:05.12345+00', '"2026-01-02T03:04:05.123450+00:00"'],
    [1114, '2026-01-02 03:04:05', '"2026-01-02T03:04:05+00:00"'],
    [1266, '10:11:12.5+02', '"10:11:12.500"'],
    [1007, '{1,NULL,{2,3}}', '[1,null,[2,3]]'],
    [999_999, 'ADMIN', '"ADMIN"'],
  ];
  for (const [oid, text, json] of cases) assert.equal(columnType(oid).toJson(text), json);
});
