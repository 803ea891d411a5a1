/**
 * The right to hold one of a limited number of connections. Those who wait get one in the order in which they came.
 */
export class Slots {
  #free;
  #waiting = new Set();

  /** @param {number} limit */
  constructor(limit) {
    this.limit = limit;
    this.#free = limit;
  }

  get waiting() {
    return this.#waiting.size;
  }

  /**
   * @param {number} timeoutMs 0 waits for ever
   * @param {() => Error} timeoutError
   * @returns {Promise<void>}
   */
  acquire(timeoutMs, timeoutError) {
    if (this.#free > 0) {
      this.#free -= 1;
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      const settle = (action) => (value) => {
        clearTimeout(timer);
        this.#waiting.delete(waiter);
        action(value);
      };
      const waiter = { grant: settle(resolve), fail: settle(reject) };
      const timer = timeoutMs > 0 ? setTimeout(() => waiter.fail(timeoutError()), timeoutMs) : undefined;
      this.#waiting.add(waiter);
    });
  }

  release() {
    const [next] = this.#waiting;
    if (next) next.grant();
    else this.#free += 1;
  }

  /** Fails everybody who waits, because what they wait for is known not to come. */
  failWaiting(error) {
    for (const waiter of [...this.#waiting]) waiter.fail(error);
  }
}
