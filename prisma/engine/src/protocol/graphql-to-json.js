import { parse } from 'graphql/language/parser.mjs';

import { malformedRequestError } from '../errors.js';
import { ArgumentWriter } from './arguments-to-json.js';

/**
 * From the GraphQL that the client sends to the JSON protocol that the engine speaks.
 *
 *     query { result: findManyPost(where: {…}) { id author { name } } }
 *
 * becomes
 *
 *     {"modelName": "Post", "action": "findMany",
 *      "query": {"arguments": {"where": {…}},
 *                "selection": {"id": true, "author": {"arguments": {}, "selection": {"name": true}}}}}
 */

const ACTIONS = [
  ...['findUnique', 'findFirst', 'findMany', 'createOne', 'createMany', 'updateOne', 'updateMany'],
  ...['deleteOne', 'deleteMany', 'upsertOne', 'aggregate', 'groupBy'],
];
const RAW_ACTIONS = ['queryRaw', 'executeRaw'];
const OR_THROW = 'OrThrow';

/**
 * @param {string} text one operation with one field
 * @param {Map<string, import('./models.js').ModelFields>} models
 * @returns {string} JSON; built as text, so that numbers keep every digit
 */
export function graphqlToJson(text, models) {
  const field = rootField(text);
  const name = field.name.value;
  if (RAW_ACTIONS.includes(name)) return `{"action":"${name}","query":${query(field, undefined, models)}}`;
  const { action, model } = splitName(name, models);
  return `{"modelName":"${model}","action":"${action}","query":${query(field, model, models)}}`;
}

/** `findFirstPostOrThrow` is the action `findFirstOrThrow` of the model `Post`. */
function splitName(name, models) {
  for (const action of ACTIONS.filter((prefix) => name.startsWith(prefix))) {
    const rest = name.slice(action.length);
    if (models.has(rest)) return { action, model: rest };
    const model = rest.endsWith(OR_THROW) ? rest.slice(0, -OR_THROW.length) : '';
    if (models.has(model)) return { action: action + OR_THROW, model };
  }
  throw malformedRequestError(`unknown operation ${name}`);
}

function rootField(text) {
  let document;
  try {
    document = parse(text, { noLocation: true });
  } catch (error) {
    throw malformedRequestError(error.message);
  }
  const [operation] = document.definitions;
  const selections = operation.kind === 'OperationDefinition' ? operation.selectionSet.selections : [];
  if (document.definitions.length !== 1 || selections.length !== 1 || selections[0].kind !== 'Field') {
    throw malformedRequestError('expected one operation with one field');
  }
  return selections[0];
}

function query(field, model, models) {
  const writer = new ArgumentWriter(models);
  const args = field.arguments.map(({ name, value }) => [name.value, writer.operator(name.value, value, model)]);
  return `{"arguments":${jsonObject(args)},"selection":${selection(field, model, models)}}`;
}

function selection(field, model, models) {
  const fields = (field.selectionSet?.selections ?? []).map((child) => {
    const name = child.name.value;
    if (!child.selectionSet && child.arguments.length === 0) return [name, 'true'];
    const related = models.get(model)?.get(name)?.model;
    return [name, query(child, related ?? model, models)];
  });
  return jsonObject(fields);
}

function jsonObject(entries) {
  return `{${entries.map(([key, value]) => `${JSON.stringify(key)}:${value}`).join(',')}}`;
}
