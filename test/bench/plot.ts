import { PEERS, REFERENCE } from './peers/peers.ts';
import { type Result, ratio, sibling } from './results.ts';

const WIDTH = 860;
const LABELS = 250;
const VALUES = 70;
const BAR = 14;
const GAP = 12;
const TOP = 70;
/** Longer bars end here, with an arrow; their number tells the rest. */
const MOST = 4;
const COLOURS = ['#c2410c', '#334155', '#64748b', '#0f766e', '#a16207'];

/**
 * A bar chart of the ratios to the reference as SVG, for a page with light or dark background; of the
 * works that the reference has done, too.
 */
export function renderPlot(results: readonly Result[], caption: string): string {
  const peers = PEERS.map(({ name }) => name).filter((name) =>
    results.some(({ peer }) => peer === name),
  );
  const compared = results.filter((result) => sibling(results, result, REFERENCE));
  const workloads = [...new Set(compared.map(({ workload }) => workload))];
  const scale = (WIDTH - LABELS - VALUES) / MOST;
  const parts: string[] = [];
  let y = TOP;
  for (const workload of workloads) {
    const bars = results.filter((result) => result.workload === workload);
    const middle = y + (bars.length * BAR) / 2 + 4;
    parts.push(text(LABELS - 10, middle, bars[0]!.title, 'end'));
    for (const bar of bars) {
      const value = ratio(bar, sibling(results, bar, REFERENCE));
      if (value !== undefined) {
        const width = Math.round(Math.min(value, MOST) * scale);
        const colour = COLOURS[peers.indexOf(bar.peer) % COLOURS.length];
        parts.push(
          `<rect x="${LABELS}" y="${y}" width="${width}" height="${BAR - 2}" fill="${colour}"/>`,
          text(LABELS + width + 6, y + BAR - 4, `${value > MOST ? '→ ' : ''}${value.toFixed(2)}`),
        );
      }
      y += BAR;
    }
    y += GAP;
  }
  const one = LABELS + scale;
  const legend = peers.map((peer, i) => {
    const x = LABELS + i * 120;
    return `<rect x="${x}" y="40" width="10" height="10" fill="${COLOURS[i % COLOURS.length]}"/>${text(x + 15, 50, peer)}`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${y + 20}" font-family="sans-serif" font-size="12" role="img">
<title>Cost per unit of work, as a multiple of that of ${escaped(REFERENCE)}</title>
<rect width="100%" height="100%" fill="#ffffff"/>
<text x="10" y="22" font-size="15" fill="#0f172a">Cost per unit of work, × ${escaped(REFERENCE)} (less is better)</text>
${legend.join('\n')}
${parts.join('\n')}
<line x1="${one}" y1="${TOP - 6}" x2="${one}" y2="${y - GAP + 6}" stroke="#0f172a" stroke-dasharray="3 3"/>
${text(10, y + 10, caption)}
</svg>
`;
}

function text(x: number, y: number, content: string, anchor = 'start'): string {
  return `<text x="${x}" y="${y}" text-anchor="${anchor}" fill="#0f172a">${escaped(content)}</text>`;
}

function escaped(content: string): string {
  return content.replace(/[&<>]/g, (sign) => `&#${sign.charCodeAt(0)};`);
}
