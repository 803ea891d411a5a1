/**
 * What the translation of a query needs to know of the schema: which fields hold JSON, and which lead to another model.
 *
 * @typedef {Map<string, 'json' | { model: string }>} ModelFields fields of any other type are not in it
 */

/**
 * @param {string} datamodel the text of a Prisma schema
 * @returns {Map<string, ModelFields>} by model
 */
export function readModels(datamodel) {
  const blocks = [...datamodel.matchAll(/^\s*(?:model|view)\s+(\w+)\s*\{([\s\S]*?)^\s*\}/gm)];
  const names = new Set(blocks.map(([, name]) => name));
  return new Map(blocks.map(([, name, body]) => [name, readFields(body, names)]));
}

function readFields(body, models) {
  const fields = new Map();
  for (const [, field, type] of body.matchAll(/^\s*(\w+)\s+(\w+)/gm)) {
    if (type === 'Json') fields.set(field, 'json');
    else if (models.has(type)) fields.set(field, { model: type });
  }
  return fields;
}
