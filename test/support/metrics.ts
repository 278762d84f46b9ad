import assert from 'node:assert/strict';

/** What `/metrics` says at one time. */
export class Scrape {
  readonly text: string;
  readonly #samples = new Map<string, number>();

  constructor(text: string) {
    this.text = text;
    for (const line of text.split('\n')) {
      const [, name, labels = '', value] = /^([a-z_]\w*)(?:\{(.*)\})? (\S+)$/i.exec(line) ?? [];
      if (name === undefined) continue;
      const key = keyOf(
        name,
        [...labels.matchAll(/(\w+)="(.*?)"/g)].map(([, ...pair]) => pair),
      );
      assert.ok(!this.#samples.has(key), `${key} is there twice`);
      this.#samples.set(key, Number(value));
    }
  }

  /** Names of all samples: of a histogram those of its parts. */
  get names(): ReadonlySet<string> {
    return new Set(Array.from(this.#samples.keys(), (key) => key.split('{')[0]!));
  }

  /** The value with exactly these labels; fails where there is none. */
  value(name: string, labels: Record<string, string> = {}): number {
    const key = keyOf(name, Object.entries(labels));
    const value = this.#samples.get(key);
    assert.ok(value !== undefined, `there is no ${key} in:\n${this.text}`);
    return value;
  }

  /** All counters, and whatever else only grows. */
  get totals(): ReadonlyMap<string, number> {
    return new Map([...this.#samples].filter(([key]) => /_(total|count|bucket)\{/.test(key)));
  }
}

/** Scrapes a gateway by the port of its admin listener. */
export async function scrape(port: number): Promise<Scrape> {
  const answer = await fetch(`http://127.0.0.1:${port}/metrics`, {
    headers: { connection: 'close' },
  });
  assert.equal(answer.status, 200);
  assert.match(answer.headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/);
  return new Scrape(await answer.text());
}

function keyOf(name: string, labels: readonly (readonly string[])[]): string {
  const sorted = labels.map(([label, value]) => `${label}=${value}`).sort();
  return `${name}{${sorted.join()}}`;
}
