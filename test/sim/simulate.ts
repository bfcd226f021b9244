import { createPresenceScripts, type PresenceScripts } from '../../src/presence/scripts.ts';
import type { FaultKind } from './faults.ts';
import { brokenInvariants } from './invariants.ts';
import { readLedger } from './ledger.ts';
import { compare } from './oracle.ts';
import { Play, virtualTime } from './play.ts';
import { createScenario } from './scenario.ts';
import type { Servers } from './servers.ts';
import { tellStory } from './story.ts';

/** Of a seed: what does not hold, and the story of whom it happened to. */
export type Outcome = { readonly seed: number; readonly broken: readonly string[]; readonly story: string };

/** The kinds of faults that the comparison with the truth covers. */
export const coveredFaults: readonly FaultKind[] = [
  'down',
  'diesUnanswered',
  'diesCommitted',
  'commitUnanswered',
  'reboot',
  'outage',
];

/** Of these only the invariants are checked: what may be lost, and what a day is once the clock was set, the comparison does not know. */
export const uncoveredFaults: readonly FaultKind[] = ['redisWiped', 'redisTailLost', 'clockSteps'];

/** The line that reads the time is the only one that a simulation puts in the place of another. */
export const clockLua = `local function read_time() return tonumber(redis.call('GET', '${virtualTime}')) end`;
export const simulatedScripts: PresenceScripts = createPresenceScripts(clockLua);

export async function simulate(
  seed: number,
  servers: Servers,
  {
    faults = coveredFaults,
    scripts = simulatedScripts,
  }: { faults?: readonly FaultKind[]; scripts?: PresenceScripts } = {},
): Promise<Outcome> {
  const scenario = createScenario(seed, { faults });
  const played = await new Play(scenario, servers, scripts).run();
  const ledger = await readLedger(servers.db);
  const isCovered = !scenario.faults.some(({ type }) => uncoveredFaults.includes(type));
  // Times of day are read twice after a step back.
  const isReadTwice = scenario.faults.some((fault) => fault.type === 'clockSteps' && fault.jump < 0);
  const broken = [
    ...played.complaints,
    ...brokenInvariants(ledger).filter((what) => !isReadTwice || !/ overlap in /.test(what)),
    ...(isCovered ? compare(scenario, played, ledger) : []),
  ];
  return { seed, broken, story: broken.length === 0 ? '' : tellStory(scenario, played, ledger, broken) };
}
