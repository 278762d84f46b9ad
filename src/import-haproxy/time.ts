const UNITS: Readonly<Record<string, number>> = {
  us: 0.001,
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** Reads a time of HAProxy (manual §2.5: milliseconds without a unit) into ms; undefined where it is none. */
export function millisecondsOf(
  text: string | undefined,
  unit: keyof typeof UNITS = 'ms',
): number | undefined {
  const match = /^(\d{1,15})(us|ms|s|m|h|d)?$/.exec(text ?? '');
  if (!match) return undefined;
  return Math.ceil(Number(match[1]) * UNITS[match[2] ?? unit]!);
}

/** Writes ms with the largest unit that leaves a whole number, as settings have it. */
export function durationText(ms: number): string {
  for (const unit of ['d', 'h', 'm', 's'] as const) {
    if (ms >= UNITS[unit]! && ms % UNITS[unit]! === 0) return `${ms / UNITS[unit]!}${unit}`;
  }
  return `${ms}ms`;
}
