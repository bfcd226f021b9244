import type { Output } from './context.ts';

/** How far a command has come. `of` is unknown while a file is still being read. */
export type Progress = { readonly step: string; readonly done: number; readonly of?: number };

const width = 30;
const clearLine = '\r\u001B[2K';
/** Of what can not be measured, a sign of life now and then. */
const every = 10_000;

/**
 * Shows progress on standard error: a bar on a terminal, one line for each tenth elsewhere, and the same as JSON for
 * programs. `end` leaves the cursor on a line of its own.
 */
export function showProgress(
  output: Output,
  json: boolean,
): { readonly show: (progress: Progress) => void; readonly end: () => void } {
  const bar = output.isTTY === true && !json;
  let last = '';
  return {
    show(progress) {
      const { step, done, of } = progress;
      const parts = bar ? 100 : 10;
      const part = of === undefined || of === 0 ? Math.floor(done / every) : Math.floor((done / of) * parts);
      if (last === `${step} ${part}`) return;
      last = `${step} ${part}`;
      output.write(bar ? clearLine + format(progress) : `${json ? JSON.stringify({ progress }) : format(progress)}\n`);
    },
    end() {
      if (bar && last !== '') output.write(clearLine);
    },
  };

  function format({ step, done, of }: Progress): string {
    const count = of === undefined ? String(done) : `${done} of ${of}`;
    if (!bar || of === undefined || of === 0) return `${step} ${count}`;
    const full = Math.round((done / of) * width);
    return `${step.padEnd(10)} ${'█'.repeat(full)}${'░'.repeat(width - full)} ${count}`;
  }
}
