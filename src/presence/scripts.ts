import { readFileSync } from 'node:fs';
import { Script } from '../redis/script.ts';

function read(name: string): string {
  return readFileSync(new URL(`lua/${name}.lua`, import.meta.url), 'utf8');
}

const shared = read('presence');

/** Merges a batch of sightings into presence; lua/observe.lua is the contract. */
export const observeScript = new Script(shared + read('observe'));
/** Ends and completes what is due; lua/expire.lua is the contract. */
export const expireScript = new Script(shared + read('expire'));
/** Notes stations that belong to nobody; lua/note-unregistered.lua is the contract. */
export const noteUnregisteredScript = new Script(read('note-unregistered'));
