import { plain } from '../terminal.ts';
import { linesText } from './env-file.ts';
import type { Imported } from './import.ts';
import { GROUPS, type Group } from './ledger.ts';
import type { Line } from './line.ts';

interface Item {
  readonly line: Line;
  readonly part: string | undefined;
}

/** The list of every line that was not carried over and why, grouped; what to decide on comes first. */
export function reportText(imported: Imported): string {
  const { lines } = imported;
  const carried = lines.filter((line) => imported.isCarried(line)).length;
  const several = new Set(lines.map(({ file }) => file)).size > 1;
  const parts = [
    `${carried} of ${lines.length} lines are carried over, ${lines.length - carried} are not.`,
  ];
  const blank = imported.draft.entries.flatMap(([name, entry]) => (entry.blank ? [name] : []));
  if (blank.length > 0)
    parts.push(`To fill in: ${blank.join(', ')}. Then look at it with: dashgate check`);
  const groups = grouped(imported);
  for (const [group, title] of Object.entries(GROUPS)) {
    const reasons = groups.get(group as Group);
    if (!reasons) continue;
    parts.push('', `== ${title}`);
    for (const [reason, items] of reasons) {
      parts.push(
        '',
        `  ${sentence(reason)}`,
        ...items.map((item) => `    ${itemText(item, several)}`),
      );
    }
  }
  return `${parts.join('\n')}\n`;
}

function grouped(imported: Imported): Map<Group, Map<string, Item[]>> {
  const groups = new Map<Group, Map<string, Item[]>>();
  for (const line of imported.lines) {
    for (const { group, reason, part } of imported.dropsOf(line)) {
      const reasons = groups.get(group) ?? new Map<string, Item[]>();
      const items = reasons.get(reason) ?? [];
      items.push({ line, part });
      reasons.set(reason, items);
      groups.set(group, reasons);
    }
  }
  return groups;
}

function itemText({ line, part }: Item, several: boolean): string {
  const place = several ? linesText([line]) : String(line.number).padStart(4);
  return part === undefined
    ? `${place}  ${line.text}`
    : `${place}  … ${plain(part)} …  (in: ${line.text})`;
}

const VERB =
  /^(?:is|has|looks|listens|serves|changes|refuses|closes|chooses|leads|uses|ends|stands|precedes|keeps|goes|begins|takes|does|was|only has|turns|tunes|checks a)\b/;

/** A reason as a sentence. */
function sentence(reason: string): string {
  // It may quote words of the file, in which escapes stand for any character.
  const text = plain(VERB.test(reason) ? `this ${reason}` : reason);
  return `${text[0]!.toUpperCase()}${text.slice(1)}.`;
}
