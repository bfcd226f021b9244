import { AsyncLocalStorage } from 'node:async_hooks';

/** On whose behalf something is done, while it is done. */
export type Actor = {
  /** The id of a token, `console` for a command, `system` for a call that needs no token. */
  readonly id: string;
  readonly role: string;
  /** What it is called in the audit log; absent where nothing may be changed. */
  readonly action: string | undefined;
  /** How many lines of the audit log this has led to. */
  lines: number;
};

const atWork = new AsyncLocalStorage<Actor | undefined>();

/** Runs `work`, and everything that it waits for, on behalf of somebody. Whatever it changes, the audit log knows of. */
export function actingAs<T>(actor: Omit<Actor, 'lines'>, work: () => T): T {
  return atWork.run({ ...actor, lines: 0 }, work);
}

/** Runs `work` on nobody's behalf: what the service does by itself is no matter of the audit log. */
export function byItself<T>(work: () => T): T {
  return atWork.run(undefined, work);
}

export function actorAtWork(): Actor | undefined {
  return atWork.getStore();
}
