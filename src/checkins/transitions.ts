import {
  runKinds,
  visitEnds,
  type NasName,
  type ObservedRun,
  type Transition,
  type VisitTransition,
} from '../presence/transition.ts';

/** One entry of a transition stream, as ioredis reads it: its id, and names and values in turn. */
export type StreamEntry = readonly [id: string, fields: readonly string[]];

type Values = Readonly<Record<string, string | undefined>>;

/** The transition that an entry holds, or undefined for one that this version does not understand. */
export function parseTransition([id, fields]: StreamEntry): Transition | undefined {
  const values: Record<string, string | undefined> = {};
  for (let i = 0; i + 1 < fields.length; i += 2) values[fields[i] as string] = fields[i + 1];
  switch (values['type']) {
    case 'visit':
      return parseVisit(id, values);
    case 'nasDown':
    case 'nasUp':
      return parseNas(id, values['type'], values);
    case 'clockStepped': {
      const [at, jumpMs] = numbers(values, 'at', 'jump');
      return at === undefined || jumpMs === undefined ? undefined : { id, type: 'clockStepped', at, jumpMs };
    }
    case 'withdrawn': {
      const { customer } = values;
      return customer ? { id, type: 'withdrawn', customerId: customer } : undefined;
    }
    case 'conflict':
      return parseConflict(id, values);
    case undefined:
    default:
      return undefined;
  }
}

const states: readonly VisitTransition['state'][] = ['open', 'closed', 'void'];

function parseVisit(id: string, values: Values): VisitTransition | undefined {
  const { visit, customer, space, devices, into } = values;
  const state = states.find((known) => known === values['state']);
  const [revision, arrivedAt, lastActivityAt, detectedAt] = numbers(
    values,
    'revision',
    'arrivedAt',
    'lastActivityAt',
    'detectedAt',
  );
  if (!visit || !customer || !space || state === undefined) return undefined;
  if (!revision || !arrivedAt || !lastActivityAt || !detectedAt) return undefined;
  return {
    id,
    type: 'visit',
    visitId: visit,
    revision,
    state,
    customerId: customer,
    spaceId: space,
    arrivedAt,
    lastActivityAt,
    detectedAt,
    reason: state === 'closed' ? (visitEnds.find((known) => known === values['reason']) ?? 'idle') : null,
    intoVisitId: into ? into : null,
    deviceIds: devices ? devices.split(',') : [],
    runs: parseRuns(values['runs']),
  };
}

/** `[[device, kind, first, last, count, …], …]`, see lua/reconcile.lua. */
function parseRuns(text: string | undefined): ObservedRun[] {
  const runs: ObservedRun[] = [];
  for (const [deviceId, ...numbers] of JSON.parse(text ?? '[]') as [string, ...number[]][]) {
    for (let i = 0; i + 3 < numbers.length; i += 4) {
      const [kind = -1, firstAt = 0, lastAt = 0, count = 0] = numbers.slice(i, i + 4);
      const name = runKinds[kind];
      if (name !== undefined) runs.push({ deviceId, kind: name, firstAt, lastAt, count });
    }
  }
  return runs;
}

function parseConflict(id: string, values: Values): Transition | undefined {
  const { space, customer, device, owner, details, otherDetails, winner } = values;
  const [at] = numbers(values, 'at');
  if (!space || !customer || !device || !at) return undefined;
  const nases = [details, otherDetails].flatMap((each) => (each ? [(JSON.parse(each) as NasName).name] : []));
  const other = owner ? owner : null;
  const [registeredTo, authenticatedAs] = winner === 'device' ? [customer, other] : [other, other && customer];
  const who = { customerId: customer, spaceId: space, deviceId: device, registeredTo, authenticatedAs };
  return { id, type: 'conflict', at, ...who, nases };
}

function parseNas(id: string, type: 'nasDown' | 'nasUp', values: Values): Transition | undefined {
  const [at, since, cadenceMs] = numbers(values, 'at', 'since', 'cadence');
  if (!at || since === undefined || cadenceMs === undefined || !values['details']) return undefined;
  return { id, type, at, since, cadenceMs, nas: JSON.parse(values['details']) as NasName };
}

function numbers(values: Values, ...names: readonly string[]): (number | undefined)[] {
  return names.map((name) => {
    const value = Number(values[name] ?? Number.NaN);
    return Number.isSafeInteger(Math.round(value)) ? Math.round(value) : undefined;
  });
}
