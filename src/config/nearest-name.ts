/** `unknown value "wfi"; did you mean "wifi"?` */
export function unknownNameMessage(what: string, name: unknown, known: readonly string[]): string {
  return `unknown ${what} ${JSON.stringify(name)}; ${suggestion(name, known)}`;
}

/** What to write instead: the nearest known name, or the choice of them when none is near. */
export function suggestion(name: unknown, known: readonly string[]): string {
  const nearest = typeof name === 'string' ? nearestName(name, known) : undefined;
  return nearest === undefined ? `one of ${known.join(', ')}` : `did you mean "${nearest}"?`;
}

/** The known name that is fewest edits away, when that is few enough for a slip of the finger or another spelling. */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  const folded = fold(name);
  const ranked = known
    .map((candidate) => ({ candidate, edits: distance(folded, fold(candidate)) }))
    .toSorted((a, b) => a.edits - b.edits);
  const best = ranked[0];
  return best !== undefined && best.edits <= Math.max(1, Math.floor(name.length / 3)) ? best.candidate : undefined;
}

/** `idle_timeout`, `idle-timeout` and `IdleTimeout` are all `idleTimeout`. */
function fold(name: string): string {
  return name.toLowerCase().replaceAll(/[-_ ]/g, '').slice(0, 64);
}

/** A word cut short or drawn out, such as `dataDirectory` for `dataDir`, is as near as one edit. */
function distance(a: string, b: string): number {
  const [short, long] = a.length < b.length ? [a, b] : [b, a];
  return short.length >= 4 && short.length < long.length && long.startsWith(short) ? 1 : editDistance(a, b);
}

/** Levenshtein's distance, one row at a time. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 0; i < a.length; i += 1) {
    const next = [i + 1];
    for (let j = 0; j < b.length; j += 1) {
      const substituted = (row[j] ?? 0) + (a[i] === b[j] ? 0 : 1);
      next.push(Math.min(substituted, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? a.length;
}
