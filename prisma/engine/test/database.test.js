import assert from 'node:assert/strict';
import { test } from 'node:test';

import { parseDatasourceUrl } from '../src/database/datasource-url.js';
import { Slots } from '../src/database/slots.js';
import { StatementNames } from '../src/database/statement-names.js';

test('a datasource URL with its defaults', () => {
  const url = parseDatasourceUrl('postgresql://me:p%40ss@db:6000/events');
  const { host, port, user, password, database, ssl } = url.client;
  assert.deepEqual({ host, port, user, password, database, ssl }, {
    ...{ host: 'db', port: 6000, user: 'me', password: 'p@ss', database: 'events', ssl: false },
  });
  assert.equal(url.connectionLimit, 5);
  assert.deepEqual([url.connectTimeoutMs, url.poolTimeoutMs, url.socketTimeoutMs], [5_000, 10_000, 0]);
  assert.equal(url.client.options, '-c TimeZone=UTC');
});

test('sockets', () => {
  for (const text of ['postgresql://me@/events?host=/run/pg', 'postgresql://me@localhost/events?host=/run/pg']) {
    assert.equal(parseDatasourceUrl(text).client.host, '/run/pg');
    assert.equal(parseDatasourceUrl(text).address, '/run/pg/.s.PGSQL.5432');
  }
});

test('session settings', () => {
  const text = 'postgresql://db/x?statement_timeout=500&schema=my%20schema&options=-c%20work_mem%3D64MB';
  assert.equal(
    parseDatasourceUrl(text).client.options,
    '-c work_mem=64MB -c statement_timeout=500 -c search_path="my\\ schema" -c TimeZone=UTC',
  );
});

test('TLS', () => {
  const ssl = (parameters) => parseDatasourceUrl(`postgresql://db/x?${parameters}`).client.ssl;
  assert.equal(ssl('sslmode=disable'), false);
  assert.equal(ssl('sslmode=require').rejectUnauthorized, false);
  assert.equal(ssl('sslmode=require&sslaccept=strict').rejectUnauthorized, true);
  assert.equal(ssl('sslmode=verify-full').rejectUnauthorized, true);
  assert.throws(() => ssl('sslmode=perhaps'), /perhaps/);
});

test('slots are given in the order in which they were asked for', async () => {
  const slots = new Slots(1);
  const order = [];
  const late = () => new Error('too late');
  await slots.acquire(0, late);
  const waiting = [1, 2].map((n) => slots.acquire(0, late).then(() => order.push(n)));
  await assert.rejects(slots.acquire(1, late), /too late/);
  assert.equal(slots.waiting, 2);
  slots.release();
  slots.release();
  await Promise.all(waiting);
  assert.deepEqual(order, [1, 2]);
});

test('those who wait can all be failed, and take no slot with them', async () => {
  const slots = new Slots(1);
  await slots.acquire(0);
  const waiting = slots.acquire(0);
  slots.failWaiting(new Error('away'));
  await assert.rejects(waiting, /away/);
  slots.release();
  await slots.acquire(1, () => new Error('lost'));
});

test('a statement gets its name when it comes again', () => {
  const names = new StatementNames(1);
  assert.equal(names.nameFor('a'), undefined);
  const name = names.nameFor('a');
  assert.ok(name);
  assert.equal(names.nameFor('a'), name);
  assert.notEqual(names.renew('a'), name);
  names.nameFor('b');
  assert.equal(names.nameFor('b'), undefined, 'all names are given away');
});
