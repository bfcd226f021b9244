/** One line of the benchmark's table: what was measured beside what it should be. */
export type Figure = {
  readonly what: string;
  readonly measured: string;
  readonly goal?: string;
  readonly met?: boolean;
};

export function formatTable(figures: readonly Figure[]): string {
  const rows = [
    ['what', 'measured', 'goal', ''],
    ...figures.map(({ what, measured, goal, met }) => [
      what,
      measured,
      goal ?? '',
      met === undefined ? '' : met ? 'met' : 'MISSED',
    ]),
  ];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const lines = rows.map((row) => `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`);
  const rule = `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`;
  return [lines[0], rule, ...lines.slice(1)].join('\n');
}

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });

export function formatRate(perSecond: number): string {
  return `${whole.format(perSecond)}/s`;
}

export function formatMs(ms: number): string {
  return `${ms < 10 ? ms.toFixed(1) : whole.format(ms)} ms`;
}
