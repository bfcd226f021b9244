import { beforeEach, describe, expect, test } from 'vitest';
import { minute, morning, PresenceWorld, rulesOf } from '../support/presence-world.ts';
import { useRedis } from '../support/use-redis.ts';

const redis = useRedis();
/** Times are minutes after `morning`. */
let world: PresenceWorld;

beforeEach(async () => {
  world = await new PresenceWorld(redis.client).start();
});

const at = (instant: number): number => morning + instant * minute;

describe('a gap in what we saw', () => {
  beforeEach(async () => {
    await world.observe({ at: 0, status: 'start' });
    await world.go(5);
    await world.observe({ at: 5, octets: 1 });
  });

  test('checks nobody out before somebody sees again', async () => {
    await world.jump(50);
    await world.expire();
    expect(await world.visits()).toEqual(['open 0-5']);
    expect(await world.state()).toMatchObject({ seen: false });
  });

  test('gives everyone a fresh idle window, and whoever does not show up was last seen before it', async () => {
    await world.jump(50);
    await world.beat();
    await world.wait(64);
    expect(await world.visits()).toEqual(['open 0-5']);
    await world.wait(66);
    expect(await world.visits()).toEqual(['idle 0-5']);
  });

  test('is no departure for whoever is seen in the fresh window, even in another session', async () => {
    await world.jump(50);
    await world.observe({ at: 50, session: 's2', octets: 4 });
    await world.wait(120);
    expect(await world.visits()).toEqual(['idle 0-50']);
  });

  test('that ends with a report is ended by that report', async () => {
    await world.jump(50);
    await world.observe({ at: 50, who: 'noah', status: 'start' });
    await world.expire();
    expect(await world.visits()).toEqual(['open 0-5']);
  });

  test('brings nobody back who had left before it', async () => {
    await world.wait(25);
    await world.jump(60);
    await world.beat();
    await world.observe({ at: 60, session: 's2', status: 'start' });
    expect(await world.visits()).toEqual(['idle 0-5', 'open 60-60']);
  });

  test('of more than maxBlind ends the visit at its last activity, because its source was lost', async () => {
    await world.jump(200);
    await world.beat();
    await world.expire();
    await world.observe({ at: 200, status: 'start', session: 's2' });
    expect(await world.visits()).toEqual(['sourceLost 0-5', 'open 200-200']);
  });

  test('in which access points kept their reports leaves no trace once they are told', async () => {
    await world.jump(50);
    for (let report = 10; report <= 50; report += 5) await world.observe({ at: report, octets: report });
    await world.wait(100);
    expect(await world.visits()).toEqual(['idle 0-50']);
  });
});

describe('a NAS', () => {
  const aps = { sourceId: 'aps', spaceId: 'hq', name: 'ap-1' };
  const heard = (cadenceMin: number, { isSet = false, sendsNone = false, stations = 3 } = {}): unknown[][] => [
    [world.numberOf('ap-1'), cadenceMin * minute, isSet, sendsNone, stations, JSON.stringify(aps)],
  ];
  const here = { nas: 'ap-1' };

  test('that falls silent although its stations report every minute keeps everyone in until it is heard again', async () => {
    await world.observe({ ...here, at: 0, status: 'start' });
    await world.beat(heard(1));
    await world.wait(4);
    await world.beat();
    await world.wait(60, 5);
    expect(await world.visits()).toEqual(['open 0-0']);
    expect(await world.state()).toMatchObject({ seen: false, dueAt: null });
    await world.beat(heard(1));
    await world.wait(74);
    expect(await world.visits()).toEqual(['open 0-0']);
    await world.wait(76);
    expect(await world.visits()).toEqual(['idle 0-0']);
    const told = (await world.transitions()).filter(({ type }) => type !== 'visit');
    expect(told).toMatchObject([
      { type: 'nasDown', at: at(4), since: at(0), nas: aps },
      { type: 'nasUp', at: at(60), since: at(0), nas: aps },
    ]);
  });

  test('that is heard now and then lets people go as soon as it is heard after they were due', async () => {
    await world.observe({ ...here, at: 0, status: 'start' });
    for (let minutes = 1; minutes <= 14; minutes += 1) {
      await world.wait(minutes);
      await world.beat(heard(10));
    }
    expect(await world.state()).toMatchObject({ dueAt: at(15) });
    await world.wait(15.5, 0.1);
    expect(await world.visits()).toEqual(['open 0-0']);
    await world.beat(heard(10));
    await world.wait(16.1, 0.1);
    expect(await world.visits()).toEqual(['idle 0-0']);
  });

  test('that is silent for longer than maxBlind loses its visits', async () => {
    await world.observe({ ...here, at: 0, status: 'start' });
    await world.beat(heard(1));
    await world.wait(4);
    await world.beat();
    await world.wait(119, 5);
    expect(await world.visits()).toEqual(['open 0-0']);
    await world.wait(122);
    expect(await world.visits()).toEqual(['sourceLost 0-0']);
  });

  test('with fewer than three active stations may be silent because nobody is there', async () => {
    await world.observe({ ...here, at: 0, status: 'start' });
    await world.beat(heard(1, { stations: 2 }));
    await world.wait(4);
    await world.beat();
    await world.wait(16);
    expect(await world.visits()).toEqual(['idle 0-0']);
  });

  test('that is silent does not hold somebody whose phone went to another access point', async () => {
    await world.observe({ ...here, at: 0, status: 'start' });
    await world.beat(heard(1));
    await world.go(1);
    await world.observe({ nas: 'ap-2', at: 1, status: 'start', session: 's2' });
    await world.wait(4);
    await world.beat();
    await world.wait(17);
    expect(await world.visits()).toEqual(['idle 0-1']);
  });

  test('that restarts gives one fresh idle window', async () => {
    await world.observe({ ...here, at: 0, status: 'start' });
    await world.go(10);
    await world.store.run('resetNas', [world.numberOf('ap-1'), at(10), JSON.stringify(aps)]);
    await world.wait(24);
    expect(await world.visits()).toEqual(['open 0-0']);
    expect((await world.state())?.links[0]?.associated).toBe(false);
    await world.wait(26);
    expect(await world.visits()).toEqual(['idle 0-0']);
  });

  test('known to report every hour is given 2.2 hours', async () => {
    await world.observe({ ...here, at: 0, status: 'start' });
    await world.beat(heard(60, { isSet: true, stations: 1 }));
    await world.wait(131, 5);
    expect(await world.visits()).toEqual(['open 0-0']);
    await world.wait(133);
    expect(await world.visits()).toEqual(['idle 0-0']);
  });

  test('known to report every hour is not waited for after a Stop', async () => {
    await world.beat(heard(60, { isSet: true }));
    await world.observe({ ...here, at: 0, status: 'start' });
    await world.go(30);
    await world.observe({ ...here, at: 30, status: 'stop', octets: 5 });
    await world.wait(46);
    expect(await world.visits()).toEqual(['idle 0-30']);
  });

  test('that turns out to report every hour has its check-outs taken back', async () => {
    await world.observe({ ...here, at: 0, status: 'start' });
    await world.wait(60, 5);
    expect(await world.story()).toEqual(['open 0-0', 'closed 0-0']);
    await world.go(61);
    const reply = await world.observe({ ...here, at: 61, octets: 9, lastedMin: 61 });
    expect(reply).toEqual(['ok', world.numberOf('ap-1'), 61 * minute, 0, 0]);
    await world.beat(heard(61));
    await world.observe({ ...here, at: 61, octets: 9, lastedMin: 61 });
    expect(await world.visits()).toEqual(['open 0-61']);
  });

  test('that sends no interims has people in until their Stop', async () => {
    await world.beat(heard(0, { sendsNone: true }));
    await world.observe({ ...here, at: 0, status: 'start' });
    await world.wait(400, 10);
    expect(await world.visits()).toEqual(['open 0-0']);
    await world.observe({ ...here, at: 400, status: 'stop', octets: 9, lastedMin: 400 });
    await world.wait(416);
    expect(await world.visits()).toEqual(['idle 0-400']);
  });

  test('that sends no interims and restarts has had people until then', async () => {
    await world.beat(heard(0, { sendsNone: true }));
    await world.observe({ ...here, at: 0, status: 'start' });
    await world.wait(100, 10);
    await world.store.run('resetNas', [world.numberOf('ap-1'), at(100), JSON.stringify(aps)]);
    await world.wait(116);
    expect(await world.visits()).toEqual(['idle 0-100']);
  });
});

describe('a clock that is set', () => {
  beforeEach(async () => {
    await world.observe({ at: 0, status: 'start' });
    await world.go(5);
    await world.observe({ at: 5, octets: 1 });
  });

  test('forward checks nobody out', async () => {
    await world.jump(65);
    await world.expire();
    await world.observe({ at: 65, octets: 2 });
    await world.store.run('noteStep', [0, 60 * minute]);
    await world.store.run('noteStep', [0, 60 * minute]);
    await world.wait(79);
    expect(await world.visits()).toEqual(['open 0-65']);
    const steps = (await world.transitions()).filter(({ type }) => type === 'clockStepped');
    expect(steps).toMatchObject([{ jumpMs: 60 * minute }]);
  });

  test('back lets time go on: who stays stays, and who leaves is out after the idle timeout', async () => {
    await world.jump(-54);
    await world.expire();
    await world.observe({ at: -54, octets: 2 });
    await world.beat();
    await world.jump(-53.95);
    await world.beat();
    expect(await world.visits()).toEqual(['open 0-0']);
    const pass = async (from: number, until: number): Promise<void> => {
      for (let minutes = from; minutes <= until; minutes += 0.05) {
        await world.jump(minutes);
        await world.beat();
      }
      await world.expire();
    };
    await pass(-53.9, -39.1);
    expect(await world.visits()).toEqual(['open 0-0']);
    await pass(-39.1, -38.8);
    const [told] = (await world.transitions()).toReversed();
    expect(told).toMatchObject({ type: 'visit', state: 'closed', arrivedAt: at(0) });
    expect((await world.transitions()).filter(({ type }) => type === 'clockStepped')).toHaveLength(1);
  });
});

describe('two spaces', () => {
  const spaces = [rulesOf(), rulesOf({ id: 'annex' })];
  beforeEach(async () => {
    world = await new PresenceWorld(redis.client, spaces).start();
    await world.observe({ at: 0, status: 'start' });
    await world.go(4);
    await world.observe({ at: 4, octets: 1 });
    await world.go(6);
  });

  test('a phone that goes to another space takes its visit along', async () => {
    await world.observe({ at: 6, space: 'annex', session: 'other', status: 'start' });
    await world.expire();
    expect(await world.visits()).toEqual(['transfer 0-4']);
    expect(await world.visits('mia', 'annex')).toEqual(['open 6-6']);
  });

  test('whichever report comes first', async () => {
    await world.observe({ at: 6, space: 'annex', session: 'other', status: 'start' });
    await world.observe({ at: 5, octets: 2 });
    await world.expire();
    expect(await world.visits()).toEqual(['transfer 0-5']);
  });

  test('and back again', async () => {
    await world.observe({ at: 6, space: 'annex', session: 'other', status: 'start' });
    await world.wait(8);
    await world.observe({ at: 8, session: 'home', status: 'start' });
    await world.expire();
    expect(await world.visits()).toEqual(['transfer 0-4', 'open 8-8']);
    expect(await world.visits('mia', 'annex')).toEqual(['transfer 6-6']);
  });

  test('another device that stays keeps the visit', async () => {
    await world.observe({ at: 5, device: 'tablet', session: 't', status: 'start' });
    await world.observe({ at: 6, space: 'annex', session: 'other', status: 'start' });
    await world.expire();
    expect(await world.visits()).toEqual(['open 0-5']);
  });
});
