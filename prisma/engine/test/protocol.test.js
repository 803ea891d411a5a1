import assert from 'node:assert/strict';
import { test } from 'node:test';

import { undoIndentInsideStrings } from '../src/protocol/client-text.js';
import { graphqlToJson } from '../src/protocol/graphql-to-json.js';
import { toPlainAnswer } from '../src/protocol/json-to-plain.js';
import { readModels } from '../src/protocol/models.js';

const MODELS = readModels(`
model Post {
  id     Int    @id
  data   Json?  // the field's name is also an operator's
  where  Json[]
  author User?
}

model User {
  id    Int    @id
  name  String
  posts Post[]
}
`);
const translate = (text) => JSON.parse(graphqlToJson(text, MODELS));
const json = (value) => ({ $type: 'Json', value });

test('the schema says which fields are JSON and which are relations', () => {
  assert.deepEqual(MODELS.get('Post').get('data'), 'json');
  assert.deepEqual(MODELS.get('Post').get('author'), { model: 'User' });
  assert.equal(MODELS.get('User').has('name'), false);
});

test('operation, arguments and selection are translated', () => {
  assert.deepEqual(
    translate('query { result: findFirstUserOrThrow(where: {name: {in: ["a"]}}, take: 1) { id posts(take: 2) { id } } }'),
    {
      modelName: 'User',
      action: 'findFirstOrThrow',
      query: {
        arguments: { where: { name: { in: ['a'] } }, take: 1 },
        selection: { id: true, posts: { arguments: { take: 2 }, selection: { id: true } } },
      },
    },
  );
});

test('numbers keep every digit', () => {
  const text = graphqlToJson('query { result: findManyUser(where: {id: 9223372036854775807}) { id } }', MODELS);
  assert.match(text, /"id":9223372036854775807/);
});

test('JSON is tagged wherever a field of that type stands', () => {
  const { query } = translate(`mutation { result: updateOneUser(
    where: {id: 1},
    data: {name: "plain", posts: {
      create: [{data: "1"}],
      createMany: {data: [{data: "2"}]},
      update: [{where: {id: 1}, data: {data: "3", where: {set: ["4"]}}}],
      upsert: {where: {id: 2}, create: {data: "5"}, update: {data: "6"}}
    }}) { id } }`);
  assert.deepEqual(query.arguments.data, {
    name: 'plain',
    posts: {
      create: [{ data: json('1') }],
      createMany: { data: [{ data: json('2') }] },
      update: [{ where: { id: 1 }, data: { data: json('3'), where: { set: [json('4')] } } }],
      upsert: { where: { id: 2 }, create: { data: json('5') }, update: { data: json('6') } },
    },
  });
});

test('in a filter of a JSON field, paths and texts are not JSON', () => {
  const { query } = translate(
    'query { result: findManyPost(where: {NOT: [{data: {path: ["a"], string_contains: "b", equals: "1"}}]}) { id } }',
  );
  assert.deepEqual(query.arguments.where, { NOT: [{ data: { path: ['a'], string_contains: 'b', equals: json('1') } }] });
});

test('what the client does not send is refused with a code', () => {
  for (const text of ['', 'query {', 'query { a b }', 'query { result: findManyNothing { id } }']) {
    assert.throws(() => graphqlToJson(text, MODELS), { code: 'P2009' });
  }
});

test('answers lose their tags', () => {
  const answer = '{"data":{"findManyPost":[{"id":1,"at":{"$type":"DateTime","value":"2026"},"n":[{"$type":"BigInt","value":"9"}]}]}}';
  assert.deepEqual(toPlainAnswer(answer), { data: { result: [{ id: 1, at: '2026', n: ['9'] }] } });
  assert.deepEqual(toPlainAnswer('{"data":{"findUniquePost":null}}'), { data: { result: null } });
});

test('the indentation that the client puts into strings is taken out', () => {
  const indented = 'query {\n    a: "x\u2028    y\u2029\x85     z"\n  b: "p\u2028  q"\n}';
  assert.equal(undoIndentInsideStrings(indented), 'query {\n    a: "x\u2028y\u2029\x85 z"\n  b: "p\u2028q"\n}');
});
