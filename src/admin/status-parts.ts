import { type Html, type HtmlValue, html } from '../html.ts';

/** How a state is to be taken: well, in need of a look, bad, or merely told. */
export type Tone = 'good' | 'warn' | 'bad' | 'calm';

export function badge(tone: Tone, label: string): Html {
  return html`<span class="badge ${tone}">${label}</span>`;
}

export interface Column {
  readonly label: string;
  /** Figures, one under the other. */
  readonly numeric?: boolean;
}

export interface Row {
  readonly id: string;
  /** What the row is about; then a cell for each other column. */
  readonly cells: readonly [HtmlValue, ...HtmlValue[]];
}

export interface TableParts {
  readonly caption: string;
  readonly columns: readonly Column[];
  readonly rows: readonly Row[];
}

/**
 * A table that a narrow screen shows as a card for each row. Roles are written out, as a table that
 * is not laid out as one may lose its meaning for screen readers.
 */
export function table({ caption, columns, rows }: TableParts): Html {
  const look = ({ numeric }: Column) => (numeric ? html` class="n"` : '');
  return html`<table role="table"><caption class="hidden">${caption}</caption>
<thead role="rowgroup"><tr role="row">${columns.map((column) => html`<th role="columnheader" scope="col"${look(column)}>${column.label}</th>`)}</tr></thead>
<tbody role="rowgroup">${rows.map(
    ({ id, cells: [head, ...cells] }) =>
      html`<tr role="row" id="${id}"><th role="rowheader" scope="row">${head}</th>${cells.map(
        (cell, i) => {
          const column = columns[i + 1]!;
          return html`<td role="cell" data-label="${column.label}"${look(column)}>${cell}</td>`;
        },
      )}</tr>
`,
  )}</tbody></table>`;
}

/** An id of an element, from names that may have any characters. */
export function idOf(...names: readonly string[]): string {
  const safe = names.map((name) =>
    name.replace(/[^A-Za-z0-9.-]/g, (character) => `_${character.charCodeAt(0).toString(16)}_`),
  );
  return safe.join(':');
}

const UNITS = [
  [86_400, 'd'],
  [3_600, 'h'],
  [60, 'min'],
] as const;

/** A duration in its two largest units: people read it at a glance. */
export function duration(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1_000));
  const at = UNITS.findIndex(([size]) => seconds >= size);
  if (at < 0) return `${seconds} s`;
  const [size, unit] = UNITS[at]!;
  const whole = `${Math.floor(seconds / size)} ${unit}`;
  const [nextSize, nextUnit] = UNITS[at + 1] ?? [1, 's'];
  const rest = Math.floor((seconds % size) / nextSize);
  return rest === 0 ? whole : `${whole} ${rest} ${nextUnit}`;
}

/** How long something has lasted, with the time it began for whoever points at it. */
export function since(at: Date | number | undefined, now: number): HtmlValue {
  if (at === undefined) return '';
  const began = new Date(at);
  const iso = began.toISOString();
  return html`<time datetime="${iso}" title="since ${iso.slice(0, 19).replace('T', ' ')} UTC">${duration(now - began.getTime())}</time>`;
}

const SIZES = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

export function bytes(count: number): string {
  let value = count;
  let unit = 0;
  while (value >= 1_024 && unit < SIZES.length - 1) {
    value /= 1_024;
    unit += 1;
  }
  return `${value < 10 && unit > 0 ? value.toFixed(1) : Math.round(value)} ${SIZES[unit]}`;
}

/** A figure with as many digits as tell something. */
export function figure(value: number): string {
  if (value >= 100 || Number.isInteger(value)) return Math.round(value).toLocaleString('en');
  return value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

export function plural(count: number, one: string, many: string): string {
  return `${count.toLocaleString('en')} ${count === 1 ? one : many}`;
}
