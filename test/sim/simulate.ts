import type { PresenceScripts } from '../../src/presence/scripts.ts';
import { faultKinds, type FaultKind } from './faults.ts';
import { brokenInvariants } from './invariants.ts';
import { readLedger } from './ledger.ts';
import { compare } from './oracle.ts';
import { Play } from './play.ts';
import { createSimulatedScripts } from './virtual-clock.ts';
import { createScenario } from './scenario.ts';
import type { Servers } from './servers.ts';
import { tellStory } from './story.ts';

/** Of a seed: what does not hold, and the story of whom it happened to. */
export type Outcome = { readonly seed: number; readonly broken: readonly string[]; readonly story: string };

export const simulatedScripts: PresenceScripts = createSimulatedScripts();

export type SimulateOptions = {
  readonly faults?: readonly FaultKind[];
  readonly isAmple?: boolean;
  readonly scripts?: PresenceScripts;
};

export async function simulate(
  seed: number,
  servers: Servers,
  { faults = faultKinds, isAmple = false, scripts = simulatedScripts }: SimulateOptions = {},
): Promise<Outcome> {
  const scenario = createScenario(seed, { faults, isAmple });
  const played = await new Play(scenario, servers, scripts).run();
  const ledger = await readLedger(servers.db);
  // Times of day are read twice after a step back.
  const isReadTwice = scenario.faults.some((fault) => fault.type === 'clockSteps' && fault.jump < 0);
  // What was lost at a time that was there twice, nobody can say.
  const isClear = !isReadTwice || played.losses.length + played.setBacks.length === 0;
  const broken = [
    ...played.complaints,
    ...brokenInvariants(ledger).filter((what) => !isReadTwice || !/ overlap in /.test(what)),
    ...(isClear ? compare(scenario, played, ledger) : []),
  ];
  return { seed, broken, story: broken.length === 0 ? '' : tellStory(scenario, played, ledger, broken) };
}
