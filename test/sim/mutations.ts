import { readLua, type PresenceScripts } from '../../src/presence/scripts.ts';
import type { FaultKind } from './faults.ts';
import type { Servers } from './servers.ts';
import { createSimulatedScripts } from './virtual-clock.ts';
import { simulate } from './simulate.ts';

/** One mistake in the policy: a text of one of lua/*.lua in the place of another. */
type Mutation = {
  readonly name: string;
  readonly file: string;
  readonly from: string;
  readonly to: string;
  /** Where the mistake only shows with these. */
  readonly faults?: readonly FaultKind[];
};

export const mutations: readonly Mutation[] = [
  {
    name: 'a Stop ends the visit',
    file: 'visits',
    from: 'local reach = t + wait',
    to: 'local reach = t + (link[OPEN] and wait or not next and 0 or wait)',
  },
  {
    name: 'an idle interim is activity',
    file: 'evidence',
    from: 'local grown = octets < 0 or (before == AT_START and 0 or before) ~= octets',
    to: 'local grown = true',
  },
  { name: 'gaps of our own are ignored', file: 'nas', from: '  take(clock.own)\n', to: '' },
  {
    name: 'silence of a NAS is ignored',
    file: 'nas',
    from: 'if nas[N_BLIND] > 0 then known[#known + 1] = { nas[N_BLIND], HUGE } end',
    to: '',
    faults: ['outage'],
  },
  {
    name: 'rejoin is the idle timeout',
    file: 'visits',
    from: 'local rejoin = max(rules[IDLE], rules[REJOIN])',
    to: 'local rejoin = rules[IDLE]',
  },
  {
    name: 'arrival in the place of event time',
    file: 'observe',
    from: 'local at = min(s[5] + clock.back, now)',
    to: 'local at = now',
  },
  {
    name: 'the cadence is ignored',
    file: 'nas',
    from: 'return max(idle, math.ceil(CADENCES * nas[N_CADENCE]))',
    to: 'return idle',
  },
  {
    name: 'late evidence is ignored',
    file: 'observe',
    from: 'if at <= r[HORIZON] or at < now - rules[LATE] then',
    to: 'if at <= r[HORIZON] or at < now - 60000 then',
  },
  {
    name: 'a visit is never void',
    file: 'reconcile',
    from: "for _, entry in ipairs(void) do emit(member, r, clock, entry[1], 'void', entry[2]) end",
    to: '',
  },
  { name: 'a restart gives no window', file: 'reset-nas', from: 'push_interval(nas[N_BLINDS], at, at)', to: '' },
  {
    name: 'another space does not end a visit',
    file: 'visits',
    from: 'if (not device or away[i] == device) and t > at and (not first or t < first) then first = t end',
    to: '',
  },
  {
    name: 'the arrival is not dated back',
    file: 'visits',
    from: 'if item.from then c.begun[#c.begun + 1] = item end',
    to: '',
  },
  {
    name: 'a step back of the clock is ignored',
    file: 'record',
    from: 'if clock.now < clock.beat - STEP then',
    to: 'if false then',
    faults: ['clockSteps'],
  },
  {
    name: 'a visit put back has no fresh window',
    file: 'visits',
    from: 'if v[HELD_UNTIL] > reach then reach = v[HELD_UNTIL] end',
    to: '',
    faults: ['redisWiped'],
  },
  {
    name: 'a session id used again is one session',
    file: 'nas',
    from: 'return nas[N_RESET] > from and',
    to: 'return false and',
    faults: ['reboot'],
  },
];
const mostSeeds = 400;

/** The scripts with the mistake; throws when it does not fit in exactly one place. */
export function mutated({ name, file, from, to }: Mutation): PresenceScripts {
  const text = (one: string): string => {
    const lua = readLua(one);
    if (one !== file) return lua;
    const found = lua.split(from).length - 1;
    if (found !== 1) throw new Error(`the mutation "${name}" fits ${found} places of ${file}.lua`);
    return lua.replace(from, () => to);
  };
  return createSimulatedScripts(text);
}

/** Plays seeds with each mistake until one shows it; a table tells which. False when one stays hidden. */
export async function seekMutations(servers: Servers, signal: AbortSignal, most = mostSeeds): Promise<boolean> {
  let isComplete = true;
  console.log(`${'mutation'.padEnd(36)} seeds  what broke`);
  for (const mutation of mutations) {
    const scripts = mutated(mutation);
    let caught: string | undefined;
    let seeds = 0;
    while (caught === undefined && seeds < most && !signal.aborted) {
      seeds += 1;
      // What breaks without the mistake as well says nothing of it.
      const options = mutation.faults === undefined ? {} : { faults: mutation.faults, isAmple: true };
      const { broken } = await simulate(seeds, servers, { ...options, scripts });
      if (broken.length > 0 && (await simulate(seeds, servers, options)).broken.length === 0) caught = broken[0];
    }
    isComplete &&= caught !== undefined;
    console.log(`${mutation.name.padEnd(36)} ${String(seeds).padStart(5)}  ${caught ?? 'NOTHING'}`);
  }
  return isComplete && !signal.aborted;
}
