import { malformedRequestError } from '../errors.js';

/** Inside these stand operators again, not fields: `upsert: {where: {…}, create: {…}, update: {…}}`. */
const NESTED_OPERATORS = new Set(['createMany', 'updateMany', 'upsert', 'connectOrCreate']);

/** In a filter or an update of a JSON field, the keys whose values are not JSON. */
const PLAIN_JSON_FILTERS = new Set(['path', 'string_contains', 'string_starts_with', 'string_ends_with', 'mode']);

/**
 * Writes arguments as JSON. The engine finds out by itself what a string stands for, a date, a decimal, an enum, but for
 * JSON: without a tag it would store the text as a JSON string. So this knows which arguments are fields of which model.
 */
export class ArgumentWriter {
  #models;

  /** @param {Map<string, import('./models.js').ModelFields>} models */
  constructor(models) {
    this.#models = models;
  }

  /** The value of an operator: `where`, `data`, `create`, `connect`, `some`… In it stand fields of the model. */
  operator(name, node, model) {
    if (node.kind === 'ListValue') return list(node, (item) => this.operator(name, item, model));
    if (node.kind !== 'ObjectValue') return plain(node);
    const hasOperators = NESTED_OPERATORS.has(name) || (name === 'update' && isWhereAndData(node));
    return object(node, (key, value) => (hasOperators ? this.operator(key, value, model) : this.#field(key, value, model)));
  }

  #field(name, node, model) {
    const type = this.#models.get(model)?.get(name);
    if (type === 'json') return json(node);
    if (type !== undefined) return this.#relation(node, type.model);
    // AND, OR, NOT and the names of compound keys hold fields of the same model; scalars' filters and updates hold none.
    if (node.kind === 'ListValue') return list(node, (item) => this.#field(name, item, model));
    if (node.kind === 'ObjectValue') return object(node, (key, value) => this.#field(key, value, model));
    return plain(node);
  }

  #relation(node, model) {
    if (node.kind !== 'ObjectValue') return plain(node);
    return object(node, (key, value) => this.operator(key, value, model));
  }
}

/** `update: {where: {…}, data: {…}}` of a list, as opposed to `update: {name: …}` of a single relation. */
function isWhereAndData(node) {
  const data = node.fields.find((field) => field.name.value === 'data');
  return data?.value.kind === 'ObjectValue' && node.fields.every((field) => ['where', 'data'].includes(field.name.value));
}

function json(node) {
  switch (node.kind) {
    case 'StringValue':
      return `{"$type":"Json","value":${JSON.stringify(node.value)}}`;
    case 'ListValue':
      return list(node, json);
    case 'ObjectValue':
      return object(node, (key, value) => (PLAIN_JSON_FILTERS.has(key) ? plain(value) : json(value)));
    default:
      return plain(node);
  }
}

function plain(node) {
  switch (node.kind) {
    case 'StringValue':
    case 'EnumValue':
      return JSON.stringify(node.value);
    case 'IntValue':
    case 'FloatValue':
      return node.value;
    case 'BooleanValue':
      return String(node.value);
    case 'NullValue':
      return 'null';
    case 'ListValue':
      return list(node, plain);
    case 'ObjectValue':
      return object(node, (_key, value) => plain(value));
    default:
      throw malformedRequestError(`unsupported value ${node.kind}`);
  }
}

function list(node, write) {
  return `[${node.values.map(write).join(',')}]`;
}

function object(node, write) {
  return `{${node.fields.map(({ name, value }) => `${JSON.stringify(name.value)}:${write(name.value, value)}`).join(',')}}`;
}
