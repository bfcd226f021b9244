let last = '';

/** What the benchmark is doing, on standard error: one line that replaces itself on a terminal, plain lines elsewhere. */
export function showProgress(text: string): void {
  const { stderr } = process;
  if (text === last) return;
  last = text;
  stderr.write(stderr.isTTY ? `\r\u001B[2K${text}` : `${text}\n`);
}

export function endProgress(): void {
  if (process.stderr.isTTY) process.stderr.write('\r\u001B[2K');
}
