/**
 * From the engine's answer to what the client expects: the result under the name `result`, and values without tags.
 * Numbers that JavaScript would round, BigInt and Decimal, come and leave as strings.
 *
 * @param {string} text `{"data": {"findManyPost": …}}`
 * @returns {object} `{"data": {"result": …}}`
 */
export function toPlainAnswer(text) {
  const answer = JSON.parse(text);
  if (answer.data === undefined || answer.data === null) return answer;
  const [result] = Object.values(answer.data);
  return { data: { result: text.includes('"$type"') ? untagged(result) : result } };
}

/** @param {unknown} value with tags, as in `{"$type": "DateTime", "value": "2026-01-01T00:00:00.000Z"}` */
export function untagged(value) {
  if (Array.isArray(value)) return value.map(untagged);
  if (value === null || typeof value !== 'object') return value;
  if (typeof value.$type === 'string') return value.value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, untagged(member)]));
}
