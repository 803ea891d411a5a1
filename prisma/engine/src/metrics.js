/** Upper bounds in milliseconds, those of Prisma's own engine. */
const BUCKETS_MS = [0, 1, 5, 10, 50, 100, 500, 1000, 5000, 50000];

const DESCRIPTIONS = {
  prisma_client_queries_total: 'The total number of Prisma Client queries executed',
  prisma_datasource_queries_total: 'The total number of datasource queries executed',
  prisma_pool_connections_opened_total: 'The total number of pool connections opened',
  prisma_pool_connections_closed_total: 'The total number of pool connections closed',
  prisma_client_queries_active: 'The number of currently active Prisma Client queries',
  prisma_client_queries_wait: 'The number of datasource queries currently waiting for a free connection',
  prisma_pool_connections_busy: 'The number of pool connections currently executing datasource queries',
  prisma_pool_connections_idle: 'The number of pool connections that are not busy running a query',
  prisma_pool_connections_open: 'The number of pool connections currently open',
  prisma_client_queries_duration_histogram_ms: 'The distribution of the time Prisma Client queries took to run end to end',
  prisma_client_queries_wait_histogram_ms:
    'The distribution of the time all datasource queries spent waiting for a free connection',
  prisma_datasource_queries_duration_histogram_ms: 'The distribution of the time datasource queries took to run',
};

class Histogram {
  sum = 0;
  count = 0;
  /** One per bound, and a last one for what lies above all of them. */
  counts = new Array(BUCKETS_MS.length + 1).fill(0);

  observe(ms) {
    const index = BUCKETS_MS.findIndex((bound) => ms <= bound);
    this.counts[index < 0 ? BUCKETS_MS.length : index] += 1;
    this.sum += ms;
    this.count += 1;
  }
}

/** What the engine counts, under the names of Prisma's own engine. */
export class Metrics {
  #pool;
  #active = 0;
  #counters = {
    prisma_client_queries_total: 0,
    prisma_datasource_queries_total: 0,
    prisma_pool_connections_opened_total: 0,
    prisma_pool_connections_closed_total: 0,
  };
  #histograms = {
    prisma_client_queries_duration_histogram_ms: new Histogram(),
    prisma_client_queries_wait_histogram_ms: new Histogram(),
    prisma_datasource_queries_duration_histogram_ms: new Histogram(),
  };

  observePool(pool) {
    this.#pool = pool;
  }

  connectionOpened() {
    this.#counters.prisma_pool_connections_opened_total += 1;
  }

  connectionClosed() {
    this.#counters.prisma_pool_connections_closed_total += 1;
  }

  waited(ms) {
    this.#histograms.prisma_client_queries_wait_histogram_ms.observe(ms);
  }

  datasourceQuery(ms) {
    this.#counters.prisma_datasource_queries_total += 1;
    this.#histograms.prisma_datasource_queries_duration_histogram_ms.observe(ms);
  }

  /**
   * Counts a client's query and its duration.
   *
   * @template T
   * @param {() => Promise<T>} run
   * @returns {Promise<T>}
   */
  async clientQuery(run) {
    const started = performance.now();
    this.#active += 1;
    try {
      return await run();
    } finally {
      this.#active -= 1;
      this.#counters.prisma_client_queries_total += 1;
      this.#histograms.prisma_client_queries_duration_histogram_ms.observe(performance.now() - started);
    }
  }

  #gauges() {
    const { totalCount: open = 0, idleCount: idle = 0, waiting = 0 } = this.#pool ?? {};
    return {
      prisma_client_queries_active: this.#active,
      prisma_client_queries_wait: waiting,
      prisma_pool_connections_busy: open - idle,
      prisma_pool_connections_idle: idle,
      prisma_pool_connections_open: open,
    };
  }

  /**
   * @param {Record<string, string>} labels put on every metric
   * @returns {object} as the client's `Metrics` model reads it; a bucket counts what lies between its bound and the one
   *   before
   */
  toJson(labels) {
    const metric = ([key, value]) => ({ key, labels, value, description: DESCRIPTIONS[key] });
    const buckets = ({ counts }) => counts.slice(0, -1).map((count, index) => [BUCKETS_MS[index], count]);
    return {
      counters: Object.entries(this.#counters).map(metric),
      gauges: Object.entries(this.#gauges()).map(metric),
      histograms: Object.entries(this.#histograms).map(([key, histogram]) =>
        metric([key, { buckets: buckets(histogram), sum: histogram.sum, count: histogram.count }]),
      ),
    };
  }

  /**
   * @param {Record<string, string>} labels put on every metric
   * @returns {string} the text format of Prometheus
   */
  toPrometheus(labels) {
    const lines = [];
    const head = (key, type) => lines.push(`# HELP ${key} ${DESCRIPTIONS[key]}`, `# TYPE ${key} ${type}`);
    const sample = (key, value, extra = {}) => lines.push(`${key}${labelText({ ...labels, ...extra })} ${value}`);
    for (const [type, values] of [['counter', this.#counters], ['gauge', this.#gauges()]]) {
      for (const [key, value] of Object.entries(values)) {
        head(key, type);
        sample(key, value);
      }
    }
    for (const [key, { counts, sum, count }] of Object.entries(this.#histograms)) {
      head(key, 'histogram');
      let total = 0;
      BUCKETS_MS.forEach((le, index) => sample(`${key}_bucket`, (total += counts[index]), { le }));
      sample(`${key}_bucket`, count, { le: '+Inf' });
      sample(`${key}_sum`, sum);
      sample(`${key}_count`, count);
    }
    return `${lines.join('\n')}\n`;
  }
}

function labelText(labels) {
  const escape = (value) => String(value).replace(/[\\"\n]/g, (c) => (c === '\n' ? '\\n' : `\\${c}`));
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escape(value)}"`);
  return pairs.length > 0 ? `{${pairs.join(',')}}` : '';
}
