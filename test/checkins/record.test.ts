import { describe, expect, test } from 'vitest';
import { presenceMember } from '../../src/presence/keys.ts';
import type { CheckIn } from '../../src/checkins/check-in.ts';
import type { Pass } from '../../src/checkins/entitlement.ts';
import { record, type Draft, type SpaceRules } from '../../src/checkins/record.ts';
import type { VisitTransition } from '../../src/presence/transition.ts';

const rules: SpaceRules = { id: 'hq', requirePass: true, methods: ['wifi', 'admin'] };
const pass: Pass = {
  id: 'pass_1',
  customerId: 'mia',
  kind: 'unlimited',
  validFrom: null,
  validUntil: null,
  spaceIds: null,
  createdAt: 1,
};

function ledger(passes: readonly Pass[] = [pass], active = true): Draft {
  return {
    customers: new Map([['mia', { active, planId: null }]]),
    passes: new Map([['mia', passes]]),
    visits: new Map(),
    openVisits: new Map(),
    openCheckIns: new Map(),
    checkInsByVisit: new Map(),
    changedVisits: new Map(),
    changedCheckIns: new Map(),
    events: [],
  };
}

function visit(state: VisitTransition['state'], changes: Partial<VisitTransition> = {}): VisitTransition {
  return {
    id: '1-0',
    type: 'visit',
    visitId: 'v1',
    revision: state === 'open' ? 1 : 2,
    state,
    customerId: 'mia',
    spaceId: 'hq',
    arrivedAt: 1_000,
    lastActivityAt: 1_000,
    detectedAt: 1_010,
    reason: state === 'closed' ? 'idle' : null,
    intoVisitId: null,
    deviceIds: ['dev_phone'],
    runs: [],
    ...changes,
  };
}

const byHand: CheckIn = {
  id: 'chk_desk',
  customerId: 'mia',
  spaceId: 'hq',
  visitId: null,
  state: 'open',
  method: 'admin',
  methods: ['admin'],
  startedAt: 500,
  endedAt: null,
  lastActivityAt: 500,
  detectedAt: null,
  checkOutMethod: null,
  checkOutReason: null,
  failureReason: null,
  passId: 'pass_1',
  planId: null,
  deviceIds: [],
};

const departure = visit('closed', { lastActivityAt: 5_000, detectedAt: 9_000 });
const types = (draft: Draft): string[] => draft.events.map((event) => event.type);
const only = (draft: Draft): CheckIn => {
  const [checkIn, ...others] = [...draft.changedCheckIns.values()];
  if (checkIn === undefined || others.length > 0) throw new Error('expected one check-in');
  return checkIn;
};

function checkOutByHand(draft: Draft): void {
  const [open] = draft.openCheckIns.values();
  draft.checkInsByVisit.set('v1', { ...(open as CheckIn), state: 'closed', endedAt: 3_000, checkOutMethod: 'admin' });
  draft.openCheckIns.clear();
}

describe('an arrival', () => {
  test('checks in whoever has a valid pass, at the moment of the first evidence', () => {
    const draft = ledger();
    expect(record(draft, visit('open'), rules)).toBe('recorded');
    expect(types(draft)).toEqual(['presence.arrived', 'checkin.recorded']);
    expect(only(draft)).toMatchObject({
      state: 'open',
      method: 'wifi',
      startedAt: 1_000,
      passId: 'pass_1',
      deviceIds: ['dev_phone'],
    });
  });

  test('without a pass is a failed check-in, and the person is present all the same', () => {
    const draft = ledger([]);
    record(draft, visit('open'), rules);
    expect(types(draft)).toEqual(['presence.arrived', 'checkin.failed']);
    expect(only(draft)).toMatchObject({ state: 'failed', failureReason: 'noPass', passId: null });
    expect(draft.openVisits.size).toBe(1);
  });

  test('with a pass that has ended says so', () => {
    const draft = ledger([{ ...pass, validUntil: 900 }]);
    record(draft, visit('open'), rules);
    expect(only(draft).failureReason).toBe('passExpired');
  });

  test('with a pass that has no beginning is granted at any time', () => {
    const draft = ledger();
    record(draft, visit('open', { arrivedAt: -1_000 }), rules);
    expect(only(draft).state).toBe('open');
  });

  test('of a customer who is not active fails for that reason, whatever passes they hold', () => {
    const draft = ledger([pass], false);
    record(draft, visit('open'), rules);
    expect(only(draft).failureReason).toBe('customerInactive');
  });

  test('checks in without a pass where the space asks for none', () => {
    const draft = ledger([]);
    record(draft, visit('open'), { ...rules, requirePass: false });
    expect(only(draft)).toMatchObject({ state: 'open', passId: null });
  });

  test('is presence alone where the space does not check in by Wi-Fi', () => {
    const draft = ledger();
    record(draft, visit('open'), { ...rules, methods: ['admin'] });
    expect(types(draft)).toEqual(['presence.arrived']);
  });

  test('that was recorded before changes nothing', () => {
    const draft = ledger();
    record(draft, visit('open'), rules);
    expect(record(draft, visit('open'), rules)).toBe('repeated');
    expect(types(draft)).toHaveLength(2);
  });

  test('of somebody who was checked in by hand joins that check-in', () => {
    const draft = ledger();
    draft.openCheckIns.set(presenceMember('hq', 'mia'), byHand);
    record(draft, visit('open'), rules);
    expect(types(draft)).toEqual(['presence.arrived']);
    expect(only(draft)).toMatchObject({ id: 'chk_desk', visitId: 'v1', methods: ['admin', 'wifi'], startedAt: 500 });
    record(draft, departure, rules);
    expect(only(draft)).toMatchObject({ state: 'closed', method: 'admin', endedAt: 5_000, checkOutMethod: 'wifi' });
  });

  test('of a customer nobody knows is dropped with a reason', () => {
    expect(record(ledger(), visit('open', { customerId: 'nobody' }), rules)).toBe('unknownCustomer');
  });

  test('while another visit is open ends that one where it was last active', () => {
    const draft = ledger();
    record(draft, visit('open'), rules);
    record(draft, visit('open', { visitId: 'v2', arrivedAt: 7_000, lastActivityAt: 7_000 }), rules);
    expect(types(draft)).toEqual([
      'presence.arrived',
      'checkin.recorded',
      'presence.departed',
      'checkout.recorded',
      'presence.arrived',
      'checkin.recorded',
    ]);
    expect(draft.openVisits.size).toBe(1);
    expect(draft.openCheckIns.size).toBe(1);
  });
});

describe('a departure', () => {
  test('checks out at the last activity, and says when that was decided', () => {
    const draft = ledger();
    record(draft, visit('open'), rules);
    record(draft, departure, rules);
    expect(types(draft).slice(2)).toEqual(['presence.departed', 'checkout.recorded']);
    expect(only(draft)).toMatchObject({
      state: 'closed',
      endedAt: 5_000,
      lastActivityAt: 5_000,
      detectedAt: 9_000,
      checkOutReason: 'idle',
    });
  });

  test('whose arrival was never recorded tells of the whole visit', () => {
    const draft = ledger();
    record(draft, departure, rules);
    expect(types(draft)).toEqual(['presence.arrived', 'checkin.recorded', 'presence.departed', 'checkout.recorded']);
  });

  test('that was recorded before changes nothing', () => {
    const draft = ledger();
    record(draft, departure, rules);
    expect(record(draft, departure, rules)).toBe('repeated');
    expect(types(draft)).toHaveLength(4);
  });

  test('of a failed check-in writes no check-out', () => {
    const draft = ledger([]);
    record(draft, visit('open'), rules);
    record(draft, departure, rules);
    expect(types(draft)).toEqual(['presence.arrived', 'checkin.failed', 'presence.departed']);
  });

  test('leaves alone whoever was checked out by hand meanwhile', () => {
    const draft = ledger();
    record(draft, visit('open'), rules);
    checkOutByHand(draft);
    record(draft, departure, rules);
    expect(types(draft).slice(2)).toEqual(['presence.departed']);
  });
});

describe('late evidence', () => {
  function arrived(): Draft {
    const draft = ledger();
    record(draft, visit('open'), rules);
    return draft;
  }
  function left(): Draft {
    const draft = arrived();
    record(draft, departure, rules);
    return draft;
  }

  test('of an earlier arrival corrects the open check-in, once', () => {
    const draft = arrived();
    record(draft, visit('open', { arrivedAt: 400, revision: 2 }), rules);
    expect(only(draft).startedAt).toBe(400);
    expect(record(draft, visit('open', { arrivedAt: 400, revision: 2 }), rules)).toBe('repeated');
    expect(types(draft).slice(2)).toEqual(['checkin.corrected']);
  });

  test('of later activity is kept, and is no event, while the visit is open', () => {
    const draft = arrived();
    record(draft, visit('open', { lastActivityAt: 3_000, revision: 2 }), rules);
    expect(only(draft)).toMatchObject({ state: 'open', lastActivityAt: 3_000 });
    expect(types(draft)).toHaveLength(2);
  });

  test('that somebody never left reopens the check-in, with the same pass', () => {
    const draft = left();
    record(draft, visit('open', { lastActivityAt: 8_000, detectedAt: 9_500, revision: 3 }), rules);
    expect(types(draft).slice(4)).toEqual(['presence.arrived', 'checkin.corrected']);
    expect(only(draft)).toMatchObject({
      id: 'chk_v1',
      state: 'open',
      endedAt: null,
      checkOutReason: null,
      passId: 'pass_1',
    });
    record(draft, visit('closed', { lastActivityAt: 8_000, detectedAt: 30_000, revision: 4 }), rules);
    expect(types(draft).slice(6)).toEqual(['presence.departed', 'checkout.recorded']);
    expect(only(draft)).toMatchObject({ state: 'closed', endedAt: 8_000, detectedAt: 30_000 });
  });

  test('of a longer stay corrects a check-in that is over', () => {
    const draft = left();
    record(draft, visit('closed', { arrivedAt: 500, lastActivityAt: 6_000, detectedAt: 12_000, revision: 3 }), rules);
    expect(types(draft).slice(4)).toEqual(['checkin.corrected']);
    expect(only(draft)).toMatchObject({ state: 'closed', startedAt: 500, endedAt: 6_000, detectedAt: 12_000 });
  });

  test('does not touch what people decided by hand', () => {
    const draft = arrived();
    checkOutByHand(draft);
    record(draft, departure, rules);
    record(draft, visit('open', { lastActivityAt: 8_000, revision: 3 }), rules);
    expect(draft.checkInsByVisit.get('v1')).toMatchObject({ state: 'closed', endedAt: 3_000, checkOutMethod: 'admin' });
  });

  test('that two visits were one voids the later check-in and lets the earlier go on', () => {
    const draft = left();
    const second = { visitId: 'v2', arrivedAt: 20_000, lastActivityAt: 20_000, detectedAt: 20_010 };
    record(draft, visit('open', second), rules);
    record(draft, visit('void', { ...second, intoVisitId: 'v1', revision: 2 }), rules);
    record(draft, visit('open', { lastActivityAt: 20_000, detectedAt: 21_000, revision: 3 }), rules);
    expect(types(draft).slice(6)).toEqual(['checkin.voided', 'presence.arrived', 'checkin.corrected']);
    expect([...draft.openCheckIns.values()].map(({ id }) => id)).toEqual(['chk_v1']);
    expect(draft.changedCheckIns.get('chk_v2')).toMatchObject({ state: 'void' });
  });

  test('that two visits were one keeps the only check-in that was granted', () => {
    const draft = ledger([{ ...pass, validFrom: 10_000 }]);
    record(draft, visit('open'), rules);
    record(draft, departure, rules);
    const second = { visitId: 'v2', arrivedAt: 20_000, lastActivityAt: 20_000 };
    record(draft, visit('open', second), rules);
    record(draft, visit('void', { ...second, intoVisitId: 'v1', revision: 2 }), rules);
    record(draft, visit('open', { lastActivityAt: 20_000, revision: 3 }), rules);
    expect(draft.openCheckIns.get('hq|mia')).toMatchObject({ id: 'chk_v2', visitId: 'v1', state: 'open' });
  });
});

describe('late evidence of an earlier visit', () => {
  test('leaves alone whoever is in now, and is a check-in of its own', () => {
    const draft = ledger();
    record(draft, visit('open', { visitId: 'v2', arrivedAt: 20_000, lastActivityAt: 20_000 }), rules);
    record(draft, visit('closed', { lastActivityAt: 5_000, detectedAt: 30_000 }), rules);
    expect(draft.openVisits.get('hq|mia')?.id).toBe('v2');
    expect(draft.openCheckIns.get('hq|mia')?.id).toBe('chk_v2');
    expect(draft.changedCheckIns.get('chk_v1')).toMatchObject({ state: 'closed', startedAt: 1_000, endedAt: 5_000 });
    expect(draft.changedCheckIns.get('chk_v2')).toMatchObject({ state: 'open' });
  });

  test('leaves alone whoever is in now, also where the clock was set back and the earlier visit seems to be later', () => {
    const draft = ledger();
    record(draft, visit('open', { visitId: 'v2', arrivedAt: 20_000, lastActivityAt: 20_000 }), rules);
    record(draft, visit('closed', { arrivedAt: 25_000, lastActivityAt: 26_000, detectedAt: 30_000 }), rules);
    expect(draft.openCheckIns.get('hq|mia')?.id).toBe('chk_v2');
    expect(types(draft).filter((type) => type.startsWith('check'))).toEqual(['checkin.recorded', 'checkin.corrected']);
    expect(draft.changedCheckIns.get('chk_v1')).toMatchObject({ state: 'closed', startedAt: 25_000, endedAt: 26_000 });
  });

  test('is part of the check-in by hand that has gone on since', () => {
    const draft = ledger();
    draft.openCheckIns.set(presenceMember('hq', 'mia'), byHand);
    record(draft, visit('open', { visitId: 'v2', arrivedAt: 20_000, lastActivityAt: 20_000 }), rules);
    record(draft, visit('closed', { lastActivityAt: 5_000, detectedAt: 30_000, deviceIds: ['dev_laptop'] }), rules);
    expect(types(draft)).toEqual(['presence.arrived', 'presence.arrived', 'presence.departed']);
    expect(only(draft)).toMatchObject({ id: 'chk_desk', state: 'open', deviceIds: ['dev_phone', 'dev_laptop'] });
  });
});
