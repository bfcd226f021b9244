import { readFileSync } from 'node:fs';
import { Script } from '../redis/script.ts';

/** The text of one of lua/*.lua. */
export function readLua(name: string): string {
  return readFileSync(new URL(`lua/${name}.lua`, import.meta.url), 'utf8');
}

/** What the presence scripts share, in the order in which each part builds on those before. */
const parts = ['record', 'nas', 'evidence', 'left-behind', 'visits', 'reconcile'] as const;

/** Every script that works on presence; the head of each lua/*.lua is its contract. All take the same keys. */
export type PresenceScripts = {
  readonly [Name in 'observe' | 'expire' | 'beat' | 'resetNas' | 'noteStep' | 'restore' | 'describe']: Script;
};

/** `clock` is the Lua that defines `read_time`: the one thing that a simulation puts in the place of the real one. */
export function createPresenceScripts(clock: string = readLua('clock'), read = readLua): PresenceScripts {
  const shared = [clock, ...parts.map(read)].join('\n');
  const script = (name: string): Script => new Script(`${shared}\n${read(name)}`);
  return {
    observe: script('observe'),
    expire: script('expire'),
    beat: script('beat'),
    resetNas: script('reset-nas'),
    noteStep: script('note-step'),
    restore: script('restore'),
    describe: script('describe'),
  };
}

/** Notes stations that belong to nobody; lua/note-unregistered.lua is the contract. */
export const noteUnregisteredScript = new Script(readLua('note-unregistered'));
