import { Packr } from 'msgpackr';
import { presenceMember, shardOf } from './keys.ts';
import { packedRules, type SpaceTiming } from './rules.ts';
import type { PresenceStore } from './store.ts';
import { runKinds, type NasName, type ObservedRun } from './transition.ts';

/** What is known of one customer in one space now. Instants are epoch milliseconds. */
export type PresenceState = {
  /** Oldest first; of the last day. */
  readonly visits: readonly KnownVisit[];
  readonly links: readonly PresenceLink[];
  /** When idleness would end the newest evidence; null while something that it depends on is blind, or without evidence. */
  readonly dueAt: number | null;
  /** Laptops that were left in the house, and since when they speak for nobody. */
  readonly leftBehind: readonly { readonly deviceId: string; readonly since: number }[];
  /** False while nobody, or an access point that matters here, can see. */
  readonly seen: boolean;
};

export type KnownVisit = {
  readonly id: string;
  readonly since: number;
  readonly lastActivityAt: number;
  readonly isOpen: boolean;
  readonly reason: string;
};

/** What a device has shown, or one accounting session of it. */
export type PresenceLink = {
  readonly deviceId: string;
  readonly activeAt: number;
  readonly reportedAt: number;
  readonly associated: boolean;
  /** How long its access point's silence may last, milliseconds. */
  readonly patienceMs: number;
  readonly nas: (NasName & { readonly isBlind: boolean }) | null;
  readonly runs: readonly ObservedRun[];
};

type Described = readonly [
  visits: readonly (readonly [id: string, since: number, last: number, isOpen: boolean, reason: string])[],
  links: readonly (readonly [
    device: string,
    activeAt: number,
    reportAt: number,
    associated: boolean,
    patience: number,
    isBlind: boolean,
    details: string,
    runs: readonly number[],
  ])[],
  reach: number,
  stale: boolean,
  behind: readonly (readonly [device: string, since: number])[],
];

const packr = new Packr({ useRecords: false, int64AsType: 'number' });

/** The presence of several customers in one space, in the order asked; undefined for whoever was not seen lately. */
export async function readPresence(
  stores: readonly PresenceStore[],
  space: SpaceTiming,
  { lateWindow, now }: { readonly lateWindow: number; readonly now: number },
  customerIds: readonly string[],
): Promise<(PresenceState | undefined)[]> {
  const found: (PresenceState | undefined)[] = customerIds.map(() => undefined);
  const rules = packr.pack(packedRules(space, lateWindow, now));
  for (const [shard, store] of stores.entries()) {
    const indexes = [...customerIds.keys()].filter(
      (index) => shardOf(customerIds[index] as string, stores.length) === shard,
    );
    if (indexes.length === 0) continue;
    const members = indexes.map((index) => presenceMember(space.id, customerIds[index] as string));
    const reply = (await store.runBinary('describe', [rules, packr.pack(members)])) as Buffer;
    const described = packr.unpack(reply) as (Described | false)[];
    described.forEach((one, at) => {
      if (one !== false) found[indexes[at] as number] = toState(one);
    });
  }
  return found;
}

function toState([visits, links, reach, stale, behind]: Described): PresenceState {
  return {
    visits: [...visits].map(([id, since, lastActivityAt, isOpen, reason]) => ({
      id,
      since,
      lastActivityAt,
      isOpen,
      reason,
    })),
    links: [...links].map(([deviceId, activeAt, reportedAt, associated, patienceMs, isBlind, details, runs]) => ({
      deviceId,
      activeAt,
      reportedAt,
      associated,
      patienceMs,
      nas: details === '' ? null : { ...(JSON.parse(details) as NasName), isBlind },
      runs: toRuns(deviceId, [...runs]),
    })),
    leftBehind: [...behind].map(([deviceId, since]) => ({ deviceId, since })),
    dueAt: reach > 0 ? reach : null,
    seen: reach >= 0 && !stale,
  };
}

function toRuns(deviceId: string, numbers: readonly number[]): ObservedRun[] {
  const runs: ObservedRun[] = [];
  for (let i = 0; i + 3 < numbers.length; i += 4) {
    const [kind = -1, firstAt = 0, lastAt = 0, count = 0] = numbers.slice(i, i + 4);
    const name = runKinds[kind];
    if (name !== undefined) runs.push({ deviceId, kind: name, firstAt, lastAt, count });
  }
  return runs;
}
