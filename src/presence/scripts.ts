import { readFileSync } from 'node:fs';
import { Script } from '../redis/script.ts';

/** The text of one of lua/*.lua. */
export function readLua(name: string): string {
  return readFileSync(new URL(`lua/${name}.lua`, import.meta.url), 'utf8');
}

/** What the presence scripts share; each part builds on those before it. */
export const sharedParts = ['record', 'nas', 'evidence', 'left-behind', 'visits', 'reconcile'] as const;

/** Every script that works on presence; the head of each lua/*.lua is its contract. All take the same keys. */
export type PresenceScripts = {
  readonly [
    Name in
      | 'observe'
      | 'expire'
      | 'beat'
      | 'resetNas'
      | 'noteStep'
      | 'restore'
      | 'describe'
      | 'withdraw'
      | 'forgetUnknown'
  ]: Script;
};

/** `clock` is the Lua that defines `read_time`: the one thing that a simulation puts in the place of the real one. */
export function createPresenceScripts(clock: string = readLua('clock'), read = readLua): PresenceScripts {
  // Redis defines all of a script's functions at each call, so none is given more than it builds on.
  const script = (name: string, top: (typeof sharedParts)[number]): Script => {
    const parts = sharedParts.slice(0, sharedParts.indexOf(top) + 1);
    return new Script([clock, ...parts.map(read), read(name)].join('\n'));
  };
  return {
    observe: script('observe', 'reconcile'),
    expire: script('expire', 'reconcile'),
    beat: script('beat', 'nas'),
    resetNas: script('reset-nas', 'nas'),
    noteStep: script('note-step', 'record'),
    restore: script('restore', 'record'),
    describe: script('describe', 'visits'),
    withdraw: script('withdraw', 'reconcile'),
    forgetUnknown: script('forget-unknown', 'record'),
  };
}

/** Notes stations that belong to nobody; lua/note-unregistered.lua is the contract. */
export const noteUnregisteredScript = new Script(readLua('note-unregistered'));

/** Notes which station has which network address; lua/note-addresses.lua is the contract. */
export const noteAddressesScript = new Script(readLua('note-addresses'));
