import { type Colour, type Paint, plain } from '../terminal.ts';

export interface Column {
  readonly name: string;
  /** Numbers stand at the right. */
  readonly right?: boolean;
}

/** Text, and the colour that it has on a terminal. */
export type Cell = string | { readonly text: string; readonly colour: Colour };

const GAP = '  ';

/** Lines of a table: the names of the columns, then the rows, without blanks at the ends of lines. */
export function textTable(
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
  paint: Paint,
): string[] {
  const texts = [
    columns.map(({ name }) => name.toUpperCase()),
    ...rows.map((row) => row.map(textOf)),
  ];
  const widths = columns.map((_, at) => Math.max(...texts.map((row) => row[at]?.length ?? 0)));
  return texts.map((row, line) =>
    row
      .map((text, at) => {
        const blanks = ' '.repeat(widths[at]! - text.length);
        const cell = line === 0 ? undefined : rows[line - 1]![at];
        const shown = typeof cell === 'object' ? paint(cell.colour, text) : text;
        if (columns[at]!.right) return blanks + shown;
        return at === row.length - 1 ? shown : shown + blanks;
      })
      .join(GAP)
      .trimEnd(),
  );
}

function textOf(cell: Cell): string {
  return plain(typeof cell === 'string' ? cell : cell.text);
}
