/**
 * The policy of presence in the plainest words: what the Lua does with compressed evidence and short cuts, this does with every
 * report ever made, from the beginning, at each step. Pure: `step(state, input, now)`. All times are epoch milliseconds.
 */
export type ModelRules = {
  readonly idle: number;
  readonly settle: number;
  readonly rejoin: number;
  readonly maxBlind: number;
};

export type ModelReport = {
  readonly device: string;
  readonly session: string;
  readonly status: 'start' | 'interim' | 'stop';
  readonly at: number;
  /** Since when the session has lasted, as this report says. */
  readonly from: number;
  /** Since the session began; undefined without counters. */
  readonly octets?: number | undefined;
};

export type ModelInput =
  | { readonly type: 'report'; readonly report: ModelReport }
  /** The timers look. */
  | { readonly type: 'look' }
  /** Nobody saw anything between these two. */
  | { readonly type: 'gap'; readonly from: number; readonly to: number };

export type ModelVisit = { readonly since: number; readonly last: number; readonly isOpen: boolean };

export type ModelState = {
  readonly reports: readonly ModelReport[];
  readonly gaps: readonly (readonly [from: number, to: number])[];
  readonly visits: readonly ModelVisit[];
};

export const nobody: ModelState = { reports: [], gaps: [], visits: [] };

export function step(state: ModelState, input: ModelInput, now: number, rules: ModelRules): ModelState {
  if (input.type === 'gap') return { ...state, gaps: [...state.gaps, [input.from, input.to]] };
  const reports = input.type === 'report' ? [...state.reports, input.report] : state.reports;
  const isLook = input.type === 'look';
  // That an association which nobody has ended goes on is for a timer to say, and stays said.
  const goesOnUntil = (at: number): number =>
    isLook || state.visits.some((v) => v.since <= at && at <= v.last) ? now : 0;
  const pieces = piecesOf(reports, state.gaps, rules, goesOnUntil);
  const homes = homesOf(state.visits, pieces, rules);
  const visits = pieces.map((piece): ModelVisit => {
    const { since, last } = piece;
    // What was told of it: the oldest visit that shares most of its time with this piece.
    const told = state.visits.find((visit) => homes.get(visit) === piece);
    const staysOpen = !isLook && piece.isNewest && (told === undefined || told.isOpen);
    return { since, last, isOpen: piece.reach >= now || staysOpen };
  });
  return { ...state, reports, visits };
}

function sharingMost(visit: Interval, pieces: readonly Piece[]): Piece | undefined {
  const shared = pieces.map((piece) => Math.min(visit.last, piece.last) - Math.max(visit.since, piece.since));
  const most = Math.max(0, ...shared);
  return pieces[shared.indexOf(most)];
}

/** Which piece each visit goes on with; one whose evidence has moved is the nearest that no other is. */
function homesOf(
  visits: readonly ModelVisit[],
  pieces: readonly Piece[],
  { idle, rejoin }: ModelRules,
): Map<ModelVisit, Piece> {
  const homes = new Map<ModelVisit, Piece>();
  for (const visit of visits) {
    const home = sharingMost(visit, pieces);
    if (home !== undefined) homes.set(visit, home);
  }
  for (const visit of visits.filter((one) => !homes.has(one))) {
    const taken = new Set(homes.values());
    const apart = (piece: Piece): number => Math.max(visit.since - piece.last, piece.since - visit.last);
    const [nearest] = pieces
      .filter((piece) => !taken.has(piece) && apart(piece) <= Math.max(idle, rejoin))
      .toSorted((x, y) => apart(x) - apart(y));
    if (nearest !== undefined) homes.set(visit, nearest);
  }
  return homes;
}

type Interval = { readonly since: number; readonly last: number };

/** A report that shows activity, and how far it speaks for its device's owner. */
type Evidence = {
  readonly at: number;
  readonly reach: number;
  /** The next activity of the same session when that is near enough to show that nobody left meanwhile. */
  readonly bridge: number;
  readonly device: string;
  readonly plain: number;
  /** Until when the session is known to have lasted. */
  readonly associatedUntil: number;
  readonly isFirst: boolean;
  readonly from: number;
};

type Piece = { since: number; last: number; reach: number; isNewest: boolean };

function piecesOf(
  reports: readonly ModelReport[],
  gaps: ModelState['gaps'],
  rules: ModelRules,
  goesOnUntil: (at: number) => number,
): Piece[] {
  const sessions = Map.groupBy(reports, ({ device, session }) => `${device} ${session}`);
  const evidence = [...sessions.values()]
    .flatMap((session) => evidenceOf(session, gaps, rules, goesOnUntil))
    .toSorted((a, b) => a.at - b.at);
  const groups: Evidence[][] = [];
  let reach = -Infinity;
  for (const item of evidence) {
    if (item.at > reach) groups.push([]);
    groups.at(-1)?.push(item);
    // What a device shows later speaks for it from then on.
    const next = evidence.find((other) => other.device === item.device && other.at > item.at);
    const own = next === undefined ? item.reach : Math.max(item.plain, Math.min(item.reach, next.at));
    reach = Math.max(item.at > reach ? -Infinity : reach, own, item.bridge);
    groupReach.set(groups.at(-1) as Evidence[], reach);
  }
  const pieces: Piece[] = [];
  for (const group of groups) {
    const settledAt = settles(group, rules);
    if (settledAt === undefined) continue;
    const last = Math.max(...group.map(({ at }) => at));
    const from = Math.min(...group.filter(({ isFirst, at }) => isFirst && at >= settledAt).map((item) => item.from));
    // A session never seen to begin dates the arrival back, but not into the visit before.
    const since = Math.min(settledAt, Math.max(from, pieces.at(-1)?.last ?? 0));
    pieces.push({ since, last, reach: groupReach.get(group) as number, isNewest: group === groups.at(-1) });
  }
  return pieces;
}

const groupReach = new WeakMap<readonly Evidence[], number>();

function evidenceOf(
  session: readonly ModelReport[],
  gaps: ModelState['gaps'],
  rules: ModelRules,
  goesOnUntil: (at: number) => number,
): Evidence[] {
  const moments = momentsOf(session);
  const isOver = moments.at(-1)?.isStop === true;
  const reportedAt = moments.at(-1)?.at ?? 0;
  const active = moments.filter(
    (moment, index) => index === 0 || moment.isAlways || moment.octets !== moments[index - 1]?.octets,
  );
  return active.map(({ at, device, from, isStart }, index) => {
    const next = active[index + 1]?.at ?? Infinity;
    const plain = at + rules.idle;
    const reach = seenThrough(gaps, at, plain, rules);
    return {
      at,
      device,
      plain,
      reach,
      bridge: next - at <= Math.max(rules.idle, rules.rejoin) ? next : -Infinity,
      associatedUntil: Math.max(reportedAt, isOver ? 0 : Math.min(goesOnUntil(at), reach)),
      isFirst: index === 0 && !isStart,
      from,
    };
  });
}

/** All that the reports of one instant say together. */
function momentsOf(session: readonly ModelReport[]) {
  const byTime = [...Map.groupBy(session, ({ at }) => at)].toSorted(([a], [b]) => a - b);
  return byTime.map(([at, reports]) => {
    const [first] = reports as [ModelReport];
    const counted = reports.flatMap(({ octets, status }) => octets ?? (status === 'start' ? 0 : []));
    return {
      at,
      device: first.device,
      from: Math.min(...reports.map(({ from }) => from)),
      octets: counted.length === 0 ? undefined : Math.max(...counted),
      isStart: reports.some(({ status }) => status === 'start'),
      isStop: reports.some(({ status }) => status === 'stop'),
      isAlways: reports.some(({ octets, status }) => octets === undefined || status === 'start'),
    };
  });
}

/** After each gap the wait begins anew; what was blind for too long is given up. */
function seenThrough(gaps: ModelState['gaps'], at: number, plain: number, rules: ModelRules): number {
  let reach = plain;
  for (const [from, to] of gaps) {
    if (from > reach || at > to) continue;
    reach = Math.max(reach, to - from > rules.maxBlind ? from + rules.maxBlind : to + rules.idle);
  }
  return reach;
}

/** Since when somebody stayed for the settle time without a pause longer than that; an association has no pauses. */
function settles(group: readonly Evidence[], { settle }: ModelRules): number | undefined {
  const first = group[0]?.at ?? 0;
  let since = first;
  let until = -Infinity;
  let waitsUntil = -Infinity;
  for (const { at, from, isFirst, associatedUntil } of group) {
    if (at > waitsUntil) [since, until, waitsUntil] = [at, -Infinity, -Infinity];
    since = Math.min(since, isFirst ? from : at);
    until = Math.max(until, at, associatedUntil);
    waitsUntil = Math.max(waitsUntil, at + settle, until);
    if (until - since >= settle) return Math.max(since, first);
  }
  return undefined;
}
