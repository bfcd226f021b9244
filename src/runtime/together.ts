/**
 * Work that serves everybody who asked before it began: those who ask while it is done share the next round, which begins when this
 * one has ended, well or not.
 */
export function together(work: () => Promise<void>): () => Promise<void> {
  let current: Promise<void> = Promise.resolve();
  let next: Promise<void> | undefined;
  return () => {
    next ??= current
      .catch(() => undefined)
      .then(() => {
        next = undefined;
        current = work();
        return current;
      });
    return next;
  };
}
