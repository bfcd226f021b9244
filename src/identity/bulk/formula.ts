/**
 * A cell that a spreadsheet would run as a formula (OWASP, CSV injection; ASVS 5.0, 1.2.10), behind any number of
 * apostrophes: those are part of it, so that a name that begins with one survives the way out and back.
 */
const formula = /^'*[=+\-@\t\r\uFF0B\uFF0D\uFF1D\uFF20]/u;

/** The cell as text in every spreadsheet. */
export function escapeFormula(cell: string): string {
  return formula.test(cell) ? `'${cell}` : cell;
}

/** The other way. A cell that was never escaped stays as it is. */
export function unescapeFormula(cell: string): string {
  return cell.startsWith("'") && formula.test(cell) ? cell.slice(1) : cell;
}
