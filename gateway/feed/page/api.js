// What the page asks of the gateway: to take an action, and how posts stand.

const ATTEMPTS = 4;
const LONGEST_WAIT_MS = 10_000;

/** Why something could not be done, in words for people. `status` is that of HTTP, 0 when nobody answered. */
export class Refusal extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/** The user that a token is for. Throws Refusal when it is no token at all; whether it is good, the gateway says. */
export function userOf(token) {
  try {
    const [, claims] = token.split(".");
    const bytes = Uint8Array.from(atob(claims.replace(/-/g, "+").replace(/_/g, "/")), (char) => char.charCodeAt(0));
    const user = JSON.parse(new TextDecoder().decode(bytes)).sub;
    if (typeof user === "string" && user) return user;
  } catch {
    // Said below.
  }
  throw new Refusal(0, "This is no token: it should be three parts with dots between them.");
}

/** A name that nobody else makes up. `crypto.randomUUID` is missing where a page does not come over HTTPS. */
export function newId(prefix) {
  const bytes = crypto.getRandomValues(new Uint8Array(9));
  return prefix + Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Sends an action, again while the gateway is busy: its id makes that safe. Throws Refusal. */
export async function act(token, action) {
  const body = JSON.stringify({ ...action, id: newId("feed-") });
  const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/json" };
  for (let attempt = 1; ; attempt += 1) {
    let answer = null;
    try {
      answer = await fetch("/api/events", { method: "POST", headers, body });
    } catch {
      if (attempt === ATTEMPTS) throw new Refusal(0, "The gateway does not answer.");
    }
    if (answer?.ok) return;
    if (answer && (answer.status !== 503 || attempt === ATTEMPTS)) throw await refusalOf(answer);
    const seconds = Number(answer?.headers.get("Retry-After")) || 2 ** attempt / 4;
    await new Promise((resolve) => setTimeout(resolve, Math.min(seconds * 1000, LONGEST_WAIT_MS)));
  }
}

/** Reads below `/feed/data/`. Throws Refusal. */
export async function read(path) {
  let answer;
  try {
    answer = await fetch(`/feed/data/${path}`);
  } catch {
    throw new Refusal(0, "The gateway does not answer.");
  }
  if (!answer.ok) throw await refusalOf(answer);
  return answer.json();
}

async function refusalOf(answer) {
  const problem = await answer.json().catch(() => ({}));
  const [first] = problem.errors ?? [];
  const wait = answer.status === 429 ? ` Try again in ${answer.headers.get("Retry-After")} s.` : "";
  return new Refusal(answer.status, (first?.detail || problem.detail || `The gateway answers ${answer.status}.`) + wait);
}
