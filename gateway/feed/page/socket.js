// The connection to `/ws`: opened again when it is lost, from where it was lost on. docs/notifications.md is its protocol.

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 15_000;

/** Close codes after which the same would only happen again. */
const FINAL = new Set([4400, 4401, 4403]);

export class Socket {
  #token;
  #hear;
  #tell;
  #topics = new Set();
  #since = null;
  #socket = null;
  #ready = false;
  #closed = false;
  #pause = FIRST_PAUSE_MS;
  #timer = 0;

  /** `hear` gets each message of the gateway; `tell` gets "connecting", "on" or "bad", and in words what it means. */
  constructor(token, hear, tell) {
    this.#token = token;
    this.#hear = hear;
    this.#tell = tell;
    this.#open();
  }

  follow(topic) {
    this.#topics.add(topic);
    this.#say({ type: "subscribe", topic });
  }

  leave(topic) {
    this.#topics.delete(topic);
    this.#say({ type: "unsubscribe", topic });
  }

  close() {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#socket.close(1000);
  }

  #say(message) {
    if (this.#ready) this.#socket.send(JSON.stringify(message));
  }

  #open() {
    this.#tell("connecting", "connecting …");
    const socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws`);
    this.#socket = socket;
    socket.onopen = () => {
      const auth = { type: "auth", token: this.#token, topics: [...this.#topics] };
      if (this.#since !== null) auth.since = this.#since;
      socket.send(JSON.stringify(auth));
    };
    socket.onmessage = ({ data }) => this.#heard(JSON.parse(data));
    socket.onclose = ({ code, reason }) => this.#lost(code, reason);
  }

  #heard(message) {
    if (message.id !== undefined) this.#since = message.id;
    if (message.type === "ready") {
      this.#ready = true;
      this.#pause = FIRST_PAUSE_MS;
      // What was asked for while the connection was being made.
      for (const topic of this.#topics) if (!message.topics.includes(topic)) this.#say({ type: "subscribe", topic });
      this.#tell("on", "live");
    }
    this.#hear(message);
  }

  #lost(code, reason) {
    this.#ready = false;
    if (this.#closed) return;
    if (FINAL.has(code)) {
      this.#closed = true;
      this.#tell("bad", `refused: ${reason || code}`);
      return;
    }
    this.#tell("bad", "connection lost, trying again …");
    this.#timer = setTimeout(() => this.#open(), this.#pause * (0.5 + Math.random() / 2));
    this.#pause = Math.min(this.#pause * 2, LONGEST_PAUSE_MS);
  }
}
