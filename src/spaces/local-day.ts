const dayMs = 86_400_000;

/** The moment at which the day of `at` is over by the clocks of a time zone (an IANA name); epoch milliseconds. */
export function endOfDay(at: number, timeZone: string): number {
  const format = new Intl.DateTimeFormat('en', { timeZone, dateStyle: 'short' });
  const today = format.format(at);
  // A day has up to 25 hours, and more where a country has changed sides of the date line.
  let [before, after] = [at, at + 2 * dayMs];
  while (after - before > 1) {
    const middle = Math.floor((before + after) / 2);
    if (format.format(middle) === today) before = middle;
    else after = middle;
  }
  return after;
}
