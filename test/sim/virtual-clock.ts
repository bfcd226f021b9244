import { createPresenceScripts, readLua, sharedParts, type PresenceScripts } from '../../src/presence/scripts.ts';
import { Script } from '../../src/redis/script.ts';

/**
 * Stands where the production scripts read Redis' clock: the time comes with each call, behind what it takes in production. Before it comes
 * whether the process has been beating all along until then.
 */
export const clockLua = `
local function read_time() return tonumber(ARGV[#ARGV]) end
if ARGV[#ARGV - 1] == '1' and KEYS[4] then
  local f = redis.call('HMGET', KEYS[4], 'epoch', 'beat', 'back')
  local now = read_time() + tonumber(f[3] or 0)
  if f[1] and now >= tonumber(f[2] or 0) then redis.call('HSET', KEYS[4], 'beat', now) end
end`;
export const beatOnly = new Script(clockLua);

/** What is due next, on the clock on the wall, and how much waits for the ledger. */
const peekLua = `
local function peek()
  if not KEYS[4] then return false end
  local due = redis.call('ZRANGE', KEYS[2], 0, 0, 'WITHSCORES')
  return { due[2] and tostring(due[2] - (redis.call('HGET', KEYS[4], 'back') or 0)) or '', redis.call('XLEN', KEYS[3]) }
end`;
export const peek = new Script(`${peekLua}\nreturn peek()`);

export type Peeked = readonly [due: string | Buffer, waiting: number];

/** The production scripts on the simulated clock. Each answers for `withTime` what is to be seen when it is done, behind its own answer. */
export function createSimulatedScripts(read = readLua): PresenceScripts {
  const shared: readonly string[] = sharedParts;
  const withPeek = (lua: string): string => `local function answer()\n${lua}\nend
${peekLua}
local answered = answer()
return { answered or false, peek() }`;
  return createPresenceScripts(clockLua, (name) => (shared.includes(name) ? read(name) : withPeek(read(name))));
}

/** Such scripts, each called with the time; `after` is told what was to be seen when a call was done. */
export function withTime(
  scripts: PresenceScripts,
  time: () => readonly [isSeen: 0 | 1, now: number],
  after: (peeked: Peeked) => void,
): PresenceScripts {
  const around = (script: Script): Script => {
    const run = async (how: 'run' | 'runBinary', [redis, names, args]: Parameters<Script['run']>): Promise<unknown> => {
      const [answer, peeked] = (await script[how](redis, names, [...args, ...time()])) as [unknown, Peeked | null];
      // What is put back is no step of the day, and is given no more than it needs.
      if (peeked !== null) after(peeked);
      return answer;
    };
    return {
      run: (...args: Parameters<Script['run']>) => run('run', args),
      runBinary: (...args: Parameters<Script['run']>) => run('runBinary', args),
    } as unknown as Script;
  };
  const entries = Object.entries(scripts).map(([name, script]) => [name, around(script)]);
  return Object.fromEntries(entries) as PresenceScripts;
}
