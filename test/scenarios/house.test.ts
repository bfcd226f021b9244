import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { House } from '../support/house.ts';
import { rulesOf } from '../support/presence-world.ts';
import { databaseKinds, useDatabases } from '../support/databases.ts';
import { useRedis } from '../support/use-redis.ts';

/** Stories of a day in injected time: production code from the observation to the ledger. Times are minutes after 08:00. */

const redis = useRedis();

describe.each(databaseKinds)('a house with its ledger on %s', (kind) => {
  const databases = useDatabases(kind);
  let house: House;
  beforeEach(async () => {
    house = await House.open(await databases.open(), redis.url);
  });
  afterEach(() => house[Symbol.asyncDispose]());

  const types = (): string[] => house.events.map(({ type }) => type);

  test('a phone that sleeps 40 minutes in one session is out at 15, back at 40: one pass use, one visit', async () => {
    await house.customer('mia');
    const phone = { who: 'mia', nas: 'ap-1', session: 'a' };
    await house.report({ ...phone, status: 'start' });
    for (let at = 5; at <= 10; at += 5) {
      await house.passTo(at);
      await house.report({ ...phone, status: 'interim', octets: at });
    }
    let asleep: string[] = [];
    for (let at = 15; at <= 45; at += 5) {
      await house.passTo(at);
      await house.report({ ...phone, status: 'interim', octets: 10 });
      if (at === 30) asleep = await house.story('mia');
    }
    expect(asleep).toEqual(['closed 0-10 idle']);
    await house.passTo(50);
    await house.report({ ...phone, status: 'interim', octets: 99 });
    expect(await house.story('mia')).toEqual(['open 0-']);
    await house.passTo(66);
    expect(await house.story('mia')).toEqual(['closed 0-50 idle']);
    expect(types()).toEqual([
      'presence.arrived',
      'checkin.recorded',
      'presence.departed',
      'checkout.recorded',
      'presence.arrived',
      'checkin.corrected',
      'presence.departed',
      'checkout.recorded',
    ]);
  });

  test('T6: a Redis emptied at noon loses nobody, and who was gone is out at their last activity', async () => {
    for (const who of ['mia', 'noah']) await house.customer(who);
    await house.report({ who: 'mia', nas: 'ap-1', session: 'a', status: 'start' });
    await house.report({ who: 'noah', nas: 'ap-1', session: 'b', status: 'start' });
    for (let at = 5; at <= 60; at += 5) {
      await house.passTo(at);
      for (const [who, session] of [
        ['mia', 'a'],
        ['noah', 'b'],
      ] as const) {
        await house.report({ who, nas: 'ap-1', session, status: 'interim', octets: at });
      }
    }
    await house.recorded();
    await house.restore.noteSeeing();
    await house.emptyRedis();
    expect(await house.report({ who: 'mia', nas: 'ap-1', session: 'a', status: 'interim', octets: 61 })).toBe(
      'notRecorded',
    );
    await house.restore.ensure();
    expect(await house.report({ who: 'mia', nas: 'ap-1', session: 'a', status: 'interim', octets: 61 })).toBe(
      'recorded',
    );
    await house.passTo(74);
    expect(await house.story('noah')).toEqual(['open 0-']);
    await house.report({ who: 'mia', nas: 'ap-1', session: 'a', status: 'interim', octets: 62 });
    await house.passTo(80);
    expect(await house.story('mia')).toEqual(['open 0-']);
    // The ledger hears of the latest activity every few minutes; the rest is lost with Redis.
    expect(['closed 0-50 idle', 'closed 0-55 idle', 'closed 0-60 idle']).toContain((await house.story('noah'))[0]);
    expect(house.rebuilds).toBe(1);
    expect(types().filter((type) => type === 'checkin.recorded')).toHaveLength(2);
  });
});

describe('a house', () => {
  const databases = useDatabases('sqlite');
  let house: House;
  beforeEach(async () => {
    house = await House.open(await databases.open(), redis.url);
  });
  afterEach(() => house[Symbol.asyncDispose]());

  const types = (): string[] => house.events.map(({ type }) => type);

  test('50 people on two access points: one falls silent for an hour, and nobody is wrongly out', async () => {
    const people = Array.from({ length: 50 }, (_, number) => ({
      who: `c${number}`,
      nas: number % 2 === 0 ? 'ap-1' : 'ap-2',
      session: `s${number}`,
    }));
    for (const { who } of people) await house.customer(who);
    for (const person of people) await house.report({ ...person, status: 'start' });
    const isGone = (number: number, at: number): boolean =>
      // One walks out of the healthy one at 30, one out of the silent one; nobody hears of either.
      (number === 1 && at >= 30) || (number === 0 && at >= 30);
    const minutes = async (from: number, until: number, isSilent: boolean): Promise<void> => {
      for (let at = from; at <= until; at += 1) {
        await house.passTo(at);
        for (const [number, person] of people.entries()) {
          if (isGone(number, at) || (isSilent && person.nas === 'ap-1')) continue;
          await house.report({ ...person, status: 'interim', octets: at, lastedMin: at });
        }
      }
    };
    await minutes(1, 20, false);
    await minutes(21, 80, true);
    expect(await house.story('c1')).toEqual(['closed 0-29 idle']);
    expect((await house.ledger.list({ state: 'open' }, { limit: 100 })).length).toBe(49);
    await minutes(81, 100, false);
    expect(await house.story('c0')).toEqual(['closed 0-20 idle']);
    expect((await house.ledger.list({ state: 'open' }, { limit: 100 })).length).toBe(48);
    const told = house.events.filter(({ type }) => type.startsWith('source.'));
    expect(told).toMatchObject([
      { type: 'source.down', data: { sourceId: 'aps', nas: 'ap-1' } },
      { type: 'source.up', data: { sourceId: 'aps', nas: 'ap-1' } },
    ]);
    expect(types().filter((type) => type === 'checkout.recorded')).toHaveLength(2);
    expect(types().filter((type) => type === 'checkin.corrected')).toHaveLength(0);
  });

  test('an access point that reports every hour is learned by its first report, which takes the check-out back', async () => {
    await house.customer('mia');
    const phone = { who: 'mia', nas: 'ap-1', session: 'a' };
    await house.report({ ...phone, status: 'start' });
    await house.passTo(61);
    expect(await house.story('mia')).toEqual(['closed 0-0 idle']);
    await house.report({ ...phone, status: 'interim', octets: 50, lastedMin: 61 });
    await house.passTo(62);
    expect(await house.story('mia')).toEqual(['open 0-']);
    for (let at = 121; at <= 361; at += 60) {
      await house.passTo(at);
      await house.report({ ...phone, status: 'interim', octets: at, lastedMin: at });
    }
    await house.passTo(370);
    await house.report({ ...phone, status: 'stop', octets: 999, lastedMin: 370 });
    await house.passTo(386);
    expect(await house.story('mia')).toEqual(['closed 0-370 idle']);
    expect(types().filter((type) => type === 'checkout.recorded')).toHaveLength(2);
    expect(house.heartbeat.nases).toMatchObject([{ nas: { name: 'ap-1' }, cadenceMs: 61 * 60_000 }]);
  });

  test('an access point that is said to report every hour never loses anybody in between', async () => {
    await house.customer('mia');
    const phone = { who: 'mia', nas: 'ap-1', session: 'a', reportingInterval: 3_600_000 };
    await house.report({ ...phone, status: 'start' });
    await house.passTo(1);
    for (let at = 60; at <= 240; at += 60) {
      await house.passTo(at);
      await house.report({ ...phone, status: 'interim', octets: at, lastedMin: at });
    }
    expect(await house.story('mia')).toEqual(['open 0-']);
    expect(types()).toEqual(['presence.arrived', 'checkin.recorded']);
  });

  test('an access point without any interims is learned by its first Stop, and then keeps people in until theirs', async () => {
    for (const who of ['mia', 'noah']) await house.customer(who);
    await house.report({ who: 'mia', nas: 'ap-1', session: 'a', status: 'start' });
    await house.passTo(90);
    expect(await house.story('mia')).toEqual(['closed 0-0 idle']);
    await house.report({ who: 'mia', nas: 'ap-1', session: 'a', status: 'stop', octets: 5, lastedMin: 90 });
    await house.passTo(107);
    expect(await house.story('mia')).toEqual(['closed 0-90 idle']);
    await house.report({ who: 'noah', nas: 'ap-1', session: 'b', status: 'start' });
    await house.passTo(300);
    expect(await house.story('noah')).toEqual(['open 107-']);
    await house.report({ who: 'noah', nas: 'ap-1', session: 'b', status: 'stop', octets: 5, lastedMin: 193 });
    await house.passTo(316);
    expect(await house.story('noah')).toEqual(['closed 107-300 idle']);
  });

  test('T10: nobody is out because the service was down for 40 minutes; who left meanwhile is out at the last evidence', async () => {
    for (const who of ['mia', 'noah']) await house.customer(who);
    await house.report({ who: 'mia', nas: 'ap-1', session: 'a', status: 'start' });
    await house.report({ who: 'noah', nas: 'ap-1', session: 'b', status: 'start' });
    await house.passTo(3);
    await house.sleepTo(43);
    await house.look();
    await house.heartbeat.beat();
    await house.passTo(50);
    await house.report({ who: 'mia', nas: 'ap-1', session: 'a', status: 'interim', octets: 9 });
    await house.passTo(57);
    expect(await house.story('noah')).toEqual(['open 0-']);
    await house.passTo(59);
    expect(await house.story('noah')).toEqual(['closed 0-0 idle']);
    expect(await house.story('mia')).toEqual(['open 0-']);
  });

  test('a phone that goes to the annex takes its check-in along', async () => {
    await house[Symbol.asyncDispose]();
    house = await House.open(await databases.open(), redis.url, { spaces: [rulesOf(), rulesOf({ id: 'annex' })] });
    await house.customer('mia');
    await house.report({ who: 'mia', nas: 'ap-1', session: 'a', status: 'start' });
    await house.passTo(10);
    await house.report({ who: 'mia', nas: 'ap-9', session: 'z', status: 'start', space: 'annex' });
    await house.passTo(11);
    expect(await house.story('mia')).toEqual(['closed 0-0 transfer', 'open 10-']);
  });

  test('a phone that went to the annex was not here until an access point without interims restarts', async () => {
    await house[Symbol.asyncDispose]();
    house = await House.open(await databases.open(), redis.url, { spaces: [rulesOf(), rulesOf({ id: 'annex' })] });
    for (const who of ['mia', 'noah']) await house.customer(who);
    await house.report({ who: 'noah', nas: 'ap-1', session: 'n', status: 'start' });
    await house.passTo(40);
    await house.report({ who: 'noah', nas: 'ap-1', session: 'n', status: 'stop', octets: 5, lastedMin: 40 });
    await house.report({ who: 'mia', nas: 'ap-1', session: 'a', status: 'start' });
    await house.passTo(50);
    await house.report({ who: 'mia', nas: 'ap-9', session: 'z', status: 'start', space: 'annex' });
    await house.passTo(60);
    await house.report({ who: 'mia', nas: 'ap-9', session: 'z', status: 'stop', space: 'annex', octets: 9 });
    await house.passTo(90);
    await house.restart('ap-1');
    await house.report({ who: 'mia', nas: 'ap-1', session: 'b', status: 'start' });
    await house.passTo(92);
    expect(await house.story('mia')).toEqual(['closed 40-40 transfer', 'closed 50-60 idle', 'open 90-']);
  });

  test('a Redis lost after the clock was set back: who is in stays in, and an earlier visit stays as it was', async () => {
    for (const who of ['mia', 'noah']) await house.customer(who);
    await house.report({ who: 'noah', nas: 'ap-1', session: 'n', status: 'start' });
    await house.passTo(20);
    await house.report({ who: 'mia', nas: 'ap-1', session: 'a', status: 'start' });
    await house.passTo(30);
    await house.recorded();
    await house.sleepTo(-30);
    await house.restore.noteSeeing();
    await house.emptyRedis();
    await house.restore.ensure();
    for (const who of ['mia', 'noah'])
      await house.report({ who, nas: 'ap-1', session: `${who} again`, status: 'start' });
    await house.passTo(-20);
    expect(await house.story('mia')).toEqual(['open 20-']);
    expect((await house.story('noah')).toSorted()).toEqual(['closed 0-0 idle', 'open -30-']);
    await house.passTo(-14);
    expect(await house.story('mia')).toEqual(['closed -30--30 idle']);
    expect((await house.story('noah')).toSorted()).toEqual(['closed -30--30 idle', 'closed 0-0 idle']);
  });

  test('a late report of an earlier visit, heard again after Redis was lost, leaves the next one apart', async () => {
    await house.customer('mia');
    const phone = { who: 'mia', nas: 'ap-1' };
    await house.report({ ...phone, session: 'a', status: 'start' });
    await house.passTo(5);
    await house.report({ ...phone, session: 'a', status: 'stop', octets: 9, lastedMin: 5 });
    await house.passTo(21);
    await house.report({ ...phone, nas: 'ap-2', session: 'b', status: 'interim', octets: 1, lastedMin: 15.9 });
    await house.recorded();
    const before = await house.story('mia');
    expect(before).toEqual(['closed 0-5 idle', 'open 5.1-']);
    await house.restore.noteSeeing();
    await house.emptyRedis();
    await house.restore.ensure();
    await house.report({ ...phone, session: 'a', status: 'interim', octets: 3, at: 2, lastedMin: 2 });
    await house.passTo(22);
    expect(await house.story('mia')).toEqual(before);
  });
});
