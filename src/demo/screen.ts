/** Where the demo writes. `isTTY` and `columns` are those of a terminal; anything else gets plain lines. */
export type Output = {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
};

const COLOURS = { arrived: 32, left: 33, refused: 31, quiet: 2, strong: 1 } as const;
export type Style = keyof typeof COLOURS;

/** Lines that scroll, over one line at the bottom that is always current. */
export interface Screen {
  line(text: string): void;
  /** Whether the status replaces itself. */
  readonly replaces: boolean;
  /** What is true now. On a terminal it replaces itself; elsewhere it is a line, and only when it says something new. */
  status(text: string): void;
  paint(style: Style, text: string): string;
  /** Leaves the cursor on a line of its own. */
  end(): void;
}

export function createScreen(output: Output, env: Readonly<Record<string, string | undefined>>): Screen {
  const coloured = output.isTTY === true && env['NO_COLOR'] === undefined && env['TERM'] !== 'dumb';
  const paint = (style: Style, text: string) => (coloured ? `\u001B[${COLOURS[style]}m${text}\u001B[0m` : text);
  return output.isTTY === true && env['TERM'] !== 'dumb' ? terminal(output, paint) : plain(output, paint);
}

/** For terminals that do not know their width, or say 0. */
const USUAL_COLUMNS = 80;
const CLEAR_LINE = '\r\u001B[2K';

function terminal(output: Output, paint: Screen['paint']): Screen {
  let current = '';
  return {
    paint,
    replaces: true,
    line(text) {
      output.write(`${CLEAR_LINE}${text}\n${current}`);
    },
    status(text) {
      // A line that wraps could not be taken back by clearing one line.
      current = paint('quiet', text.slice(0, (output.columns || USUAL_COLUMNS) - 1));
      output.write(CLEAR_LINE + current);
    },
    end() {
      current = '';
      output.write(CLEAR_LINE);
    },
  };
}

function plain(output: Output, paint: Screen['paint']): Screen {
  let last = '';
  return {
    paint,
    replaces: false,
    line(text) {
      output.write(`${text}\n`);
    },
    status(text) {
      if (text !== last) output.write(`${text}\n`);
      last = text;
    },
    end() {
      last = '';
    },
  };
}
