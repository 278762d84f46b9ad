import type { HistogramTotals } from './counts.ts';

export type Labels = Readonly<Record<string, string>>;

/** One value of a family, as prom-client has it: a histogram's go by names of their own. */
export interface MetricValue {
  readonly value: number;
  readonly labels: Record<string, string | number>;
  readonly metricName?: string;
}

/** A metric with all its values, as prom-client passes it between processes. */
export interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  /** How prom-client puts several together; there is one of each. */
  readonly aggregator: 'first';
  readonly values: MetricValue[];
}

/** Collects metrics that were counted elsewhere, each under its name. */
export class Families {
  readonly #families = new Map<string, Family>();

  get all(): readonly Family[] {
    return [...this.#families.values()];
  }

  /** A sum that only grows while its process lives. */
  counter(name: string, help: string, labels: Labels, value: number): void {
    this.#of(name, help, 'counter').values.push({ value, labels });
  }

  gauge(name: string, help: string, labels: Labels, value: number): void {
    this.#of(name, help, 'gauge').values.push({ value, labels });
  }

  /** 1 for the one that holds, and 0 for all others, so that each can be counted and alerted on. */
  states(name: string, help: string, labels: Labels, all: readonly string[], is: string): void {
    for (const state of all) this.gauge(name, help, { ...labels, state }, state === is ? 1 : 0);
  }

  /** A counter for each entry, which a label tells from the others. */
  counters(
    name: string,
    help: string,
    labels: Labels,
    label: string,
    counts: Readonly<Record<string, number>>,
  ): void {
    for (const [key, value] of Object.entries(counts)) {
      this.counter(name, help, { ...labels, [label]: key }, value);
    }
  }

  histogram(
    name: string,
    help: string,
    labels: Labels,
    bounds: readonly number[],
    { buckets, sum }: HistogramTotals,
  ): void {
    const { values } = this.#of(name, help, 'histogram');
    let count = 0;
    for (const [i, inBucket] of buckets.entries()) {
      count += inBucket;
      const le = bounds[i] ?? '+Inf';
      values.push({ value: count, labels: { le, ...labels }, metricName: `${name}_bucket` });
    }
    values.push({ value: sum, labels, metricName: `${name}_sum` });
    values.push({ value: count, labels, metricName: `${name}_count` });
  }

  #of(name: string, help: string, type: Family['type']): Family {
    let family = this.#families.get(name);
    if (!family) {
      family = { name, help, type, aggregator: 'first', values: [] };
      this.#families.set(name, family);
    }
    return family;
  }
}
