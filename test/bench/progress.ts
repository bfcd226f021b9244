/** What the benchmark is doing, on standard error: one line that replaces itself on a terminal, plain lines elsewhere. */
export function showProgress(text: string): void {
  const { stderr } = process;
  if (stderr.isTTY) stderr.write(`\r\u001B[2K${text}`);
  else stderr.write(`${text}\n`);
}

export function endProgress(): void {
  if (process.stderr.isTTY) process.stderr.write('\r\u001B[2K');
}
