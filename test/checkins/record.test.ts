import { describe, expect, test } from 'vitest';
import { presenceMember } from '../../src/presence/keys.ts';
import type { CheckIn } from '../../src/checkins/check-in.ts';
import type { Pass } from '../../src/checkins/entitlement.ts';
import { record, type Draft, type SpaceRules } from '../../src/checkins/record.ts';
import type { Transition } from '../../src/presence/transition.ts';

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
    changedVisits: new Map(),
    changedCheckIns: new Map(),
    events: [],
  };
}

function transition(type: Transition['type'], changes: Partial<Transition> = {}): Transition {
  const common = {
    id: '1-0',
    visitId: 'v1',
    customerId: 'mia',
    spaceId: 'hq',
    arrivedAt: 1_000,
    lastActivityAt: 1_000,
    detectedAt: 1_010,
    deviceIds: ['dev_phone'],
    ...changes,
  };
  return type === 'departed' ? { ...common, type, reason: 'idle' } : { ...common, type };
}

const departure = transition('departed', { lastActivityAt: 5_000, detectedAt: 9_000 });
const types = (draft: Draft): string[] => draft.events.map((event) => event.type);
const only = (draft: Draft): CheckIn => {
  const [checkIn, ...others] = [...draft.changedCheckIns.values()];
  if (checkIn === undefined || others.length > 0) throw new Error('expected one check-in');
  return checkIn;
};

describe('an arrival', () => {
  test('checks in whoever has a valid pass, at the moment of the first evidence', () => {
    const draft = ledger();
    expect(record(draft, transition('arrived'), rules)).toBe('recorded');
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
    record(draft, transition('arrived'), rules);
    expect(types(draft)).toEqual(['presence.arrived', 'checkin.failed']);
    expect(only(draft)).toMatchObject({ state: 'failed', failureReason: 'noPass', passId: null });
    expect(draft.openVisits.size).toBe(1);
  });

  test('with a pass that has ended says so', () => {
    const draft = ledger([{ ...pass, validUntil: 900 }]);
    record(draft, transition('arrived'), rules);
    expect(only(draft).failureReason).toBe('passExpired');
  });

  test('with a pass that has no beginning is granted at any time', () => {
    const draft = ledger();
    record(draft, transition('arrived', { arrivedAt: -1_000 }), rules);
    expect(only(draft).state).toBe('open');
  });

  test('of a customer who is not active fails for that reason, whatever passes they hold', () => {
    const draft = ledger([pass], false);
    record(draft, transition('arrived'), rules);
    expect(only(draft).failureReason).toBe('customerInactive');
  });

  test('checks in without a pass where the space asks for none', () => {
    const draft = ledger([]);
    record(draft, transition('arrived'), { ...rules, requirePass: false });
    expect(only(draft)).toMatchObject({ state: 'open', passId: null });
  });

  test('is presence alone where the space does not check in by Wi-Fi', () => {
    const draft = ledger();
    record(draft, transition('arrived'), { ...rules, methods: ['admin'] });
    expect(types(draft)).toEqual(['presence.arrived']);
  });

  test('that was recorded before changes nothing', () => {
    const draft = ledger();
    record(draft, transition('arrived'), rules);
    expect(record(draft, transition('arrived'), rules)).toBe('repeated');
    expect(types(draft)).toHaveLength(2);
  });

  test('of somebody who was checked in by hand joins that check-in', () => {
    const draft = ledger();
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
    draft.openCheckIns.set(presenceMember('hq', 'mia'), byHand);
    record(draft, transition('arrived'), rules);
    expect(types(draft)).toEqual(['presence.arrived']);
    expect(only(draft)).toMatchObject({ id: 'chk_desk', visitId: 'v1', methods: ['admin', 'wifi'], startedAt: 500 });
    record(draft, departure, rules);
    expect(only(draft)).toMatchObject({ state: 'closed', method: 'admin', endedAt: 5_000, checkOutMethod: 'wifi' });
  });

  test('of a customer nobody knows is dropped with a reason', () => {
    expect(record(ledger(), transition('arrived', { customerId: 'nobody' }), rules)).toBe('unknownCustomer');
  });

  test('while another visit is open ends that one where it was last active', () => {
    const draft = ledger();
    record(draft, transition('arrived'), rules);
    record(draft, transition('arrived', { visitId: 'v2', arrivedAt: 7_000, lastActivityAt: 7_000 }), rules);
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
    record(draft, transition('arrived'), rules);
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
    record(draft, transition('arrived'), rules);
    record(draft, departure, rules);
    expect(types(draft)).toEqual(['presence.arrived', 'checkin.failed', 'presence.departed']);
  });

  test('leaves alone whoever was checked out by hand meanwhile', () => {
    const draft = ledger();
    record(draft, transition('arrived'), rules);
    draft.openCheckIns.clear();
    record(draft, departure, rules);
    expect(types(draft).slice(2)).toEqual(['presence.departed']);
  });
});

test('evidence of an earlier arrival corrects the open check-in, once', () => {
  const draft = ledger();
  record(draft, transition('arrived'), rules);
  record(draft, transition('backdated', { arrivedAt: 400 }), rules);
  expect(only(draft).startedAt).toBe(400);
  expect(record(draft, transition('backdated', { arrivedAt: 400 }), rules)).toBe('repeated');
  expect(types(draft).slice(2)).toEqual(['checkin.corrected']);
});
