import pg from 'pg';
import { parse as parseArray } from 'postgres-array';

/**
 * How values of each Postgres type travel to the client: Prisma's name for the type, and from the text that Postgres
 * sends to JSON. A type that is not here, an enum, an interval, travels as its text.
 *
 * @typedef {object} ColumnType
 * @property {string} name
 * @property {(text: string) => string} toJson
 */

const quoted = JSON.stringify;
const asItIs = (text) => text;
/** NaN and the infinities have no form in JSON. */
const float = (text) => (/[a-z]{2}/i.test(text) ? 'null' : text);
const parseBytes = pg.types.getTypeParser(pg.types.builtins.BYTEA);
const base64 = (text) => `"${parseBytes(text).toString('base64')}"`;
const money = (text) => quoted(text.replace(/[^\d.-]/g, ''));

/** Sessions are in UTC: `2026-01-02 03:04:05.5+00` is `2026-01-02T03:04:05.500+00:00`. */
const timestamp = (text) => `"${milliseconds(text.replace(' ', 'T').replace(/\+00$/, ''))}+00:00"`;
const time = (text) => `"${milliseconds(text.replace(/[+-]\d\d(:\d\d)*$/, ''))}"`;

/** A fraction has three digits or six, as Prisma writes it. */
function milliseconds(text) {
  return text.replace(/\.(\d+)$/, (_match, digits) => `.${digits.padEnd(digits.length > 3 ? 6 : 3, '0')}`);
}

/** name, form in JSON, oid, oid of the array type */
const TABLE = [
  ['bool', (text) => (text === 't' ? 'true' : 'false'), 16, 1000],
  ['bytes', base64, 17, 1001],
  ['int', asItIs, 21, 1005],
  ['int', asItIs, 23, 1007],
  ['bigint', quoted, 20, 1016],
  ['bigint', quoted, 26, 1028],
  ['float', float, 700, 1021],
  ['double', float, 701, 1022],
  ['decimal', quoted, 1700, 1231],
  ['decimal', money, 790, 791],
  ['json', asItIs, 114, 199],
  ['json', asItIs, 3802, 3807],
  ['uuid', quoted, 2950, 2951],
  ['date', quoted, 1082, 1182],
  ['time', time, 1083, 1183],
  ['time', time, 1266, 1270],
  ['datetime', timestamp, 1114, 1115],
  ['datetime', timestamp, 1184, 1185],
  ['string', quoted, 25, 1009],
  ['string', quoted, 1043, 1015],
  ['string', quoted, 1042, 1014],
  ['string', quoted, 19, 1003],
  ['string', quoted, 869, 1041],
  ['string', quoted, 650, 651],
  ['string', quoted, 142, 143],
  ['string', quoted, 1560, 1561],
  ['string', quoted, 1562, 1563],
];

const TYPES = new Map();
for (const [name, toJson, oid, arrayOid] of TABLE) {
  TYPES.set(oid, { name, toJson });
  TYPES.set(arrayOid, { name: `${name}-array`, toJson: arrayToJson(toJson) });
}
const TEXT = { name: 'string', toJson: quoted };

/**
 * @param {number} oid
 * @returns {ColumnType}
 */
export function columnType(oid) {
  return TYPES.get(oid) ?? TEXT;
}

function arrayToJson(itemToJson) {
  const toJson = (value) =>
    value === null ? 'null' : Array.isArray(value) ? `[${value.map(toJson).join(',')}]` : itemToJson(value);
  return (text) => toJson(parseArray(text, asItIs));
}
