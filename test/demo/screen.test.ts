import { describe, expect, test } from 'vitest';
import { createScreen } from '../../src/demo/screen.ts';

function recorder(isTTY: boolean, columns = 80) {
  const written: string[] = [];
  return { written, isTTY, columns, write: (text: string) => written.push(text) };
}

function paintedOnTerminal(env: Record<string, string>): string {
  return createScreen(recorder(true), env).paint('arrived', 'x');
}

describe('the screen of the demo', () => {
  test('keeps the status line below what scrolls on a terminal', () => {
    const output = recorder(true);
    const screen = createScreen(output, { TERM: 'xterm', NO_COLOR: '1' });
    screen.status('in now: 1');
    screen.line('Ada is in');
    expect(output.written.at(-1)).toBe('\r\u001B[2KAda is in\nin now: 1');
  });

  test('never lets the status wrap', () => {
    const output = recorder(true, 10);
    createScreen(output, { TERM: 'xterm', NO_COLOR: '1' }).status('a status longer than ten columns');
    expect(output.written.at(-1)).toBe('\r\u001B[2Ka status ');
  });

  test('takes a terminal of no known width for a usual one', () => {
    const output = recorder(true, 0);
    createScreen(output, { TERM: 'xterm', NO_COLOR: '1' }).status('in now: 1');
    expect(output.written.at(-1)).toBe('\r\u001B[2Kin now: 1');
  });

  test('writes plain lines where there is no terminal, and none twice in a row', () => {
    const output = recorder(false);
    const screen = createScreen(output, {});
    screen.status('in now: 1');
    screen.status('in now: 1');
    screen.line(screen.paint('arrived', 'Ada is in'));
    expect(output.written).toEqual(['in now: 1\n', 'Ada is in\n']);
  });

  test('paints on a terminal, and not when NO_COLOR is set', () => {
    expect(paintedOnTerminal({ TERM: 'xterm' })).toBe('\u001B[32mx\u001B[0m');
    expect(paintedOnTerminal({ TERM: 'xterm', NO_COLOR: '1' })).toBe('x');
  });
});
