import { type Colour, type Paint, plain } from '../terminal.ts';

export interface Column {
  readonly name: string;
  /** Numbers stand at the right. */
  readonly right?: boolean;
}

/** Text, and the colour that it has on a terminal. */
export type Cell = string | { readonly text: string; readonly colour: Colour };

const GAP = '  ';
/** What a gateway tells may be without end, and a column is as wide as its longest cell. */
const MOST_CHARACTERS = 200;

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
  const widths = columns.map((_, at) =>
    texts.reduce((most, row) => Math.max(most, row[at]?.length ?? 0), 0),
  );
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
  const text = plain(typeof cell === 'string' ? cell : cell.text);
  return text.length > MOST_CHARACTERS ? `${text.slice(0, MOST_CHARACTERS - 1)}…` : text;
}
