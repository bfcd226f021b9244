import { beforeEach, describe, expect, test } from 'vitest';
import { PresenceWorld, rulesOf } from '../support/presence-world.ts';
import { useRedis } from '../support/use-redis.ts';

const redis = useRedis();
/** Times are minutes after 08:00. */
let world: PresenceWorld;

beforeEach(async () => {
  world = await new PresenceWorld(redis.client, [rulesOf(), rulesOf({ id: 'annex' })]).start();
});

const conflicts = async () => (await world.transitions()).filter(({ type }) => type === 'conflict');

describe('a laptop', () => {
  const laptop = { device: 'laptop', session: 'l', isLaptop: true };

  test('that is only associated keeps nobody in', async () => {
    await world.observe({ ...laptop, at: 0, status: 'start' });
    for (let at = 5; at <= 20; at += 5) {
      await world.wait(at);
      await world.observe({ ...laptop, at });
    }
    await world.expire();
    expect(await world.visits()).toEqual(['idle 0-0']);
  });

  test('that is active keeps its owner in', async () => {
    await world.observe({ ...laptop, at: 0, status: 'start' });
    for (let at = 5; at <= 20; at += 5) {
      await world.wait(at);
      await world.observe({ ...laptop, at, octets: at });
    }
    expect(await world.visits()).toEqual(['open 0-20']);
  });

  async function overnight(until: number): Promise<void> {
    await world.observe({ ...laptop, at: 0, status: 'start' });
    for (let at = 10; at <= until; at += 10) {
      await world.wait(at, 10);
      await world.observe({ ...laptop, at, octets: at });
      if (at <= 600) await world.observe({ at, session: 'p', octets: at });
    }
  }

  test('left in the house over night ends the visit when its owner was last there', async () => {
    await overnight(1190);
    expect(await world.visits()).toEqual(['open 0-1190']);
    await world.wait(1215, 5);
    await world.observe({ ...laptop, at: 1215, octets: 9_000 });
    await world.expire();
    expect(await world.visits()).toEqual(['idle 0-600']);
    expect((await world.state())?.leftBehind).toMatchObject([{ deviceId: 'laptop' }]);
  });

  test('left in the house is nobody until its owner is back', async () => {
    await overnight(1220);
    expect(await world.visits()).toEqual(['idle 0-600']);
    await world.observe({ ...laptop, at: 1220, session: 'l2', status: 'start' });
    expect(await world.visits()).toEqual(['idle 0-600']);
    await world.go(1500);
    await world.observe({ at: 1500, session: 'p2', status: 'start' });
    expect(await world.visits()).toEqual(['idle 0-600', 'open 1500-1500']);
    await world.go(1505);
    await world.observe({ ...laptop, at: 1505, octets: 10_000 });
    expect(await world.visits()).toEqual(['idle 0-600', 'open 1500-1505']);
  });

  test('does not end the night of somebody who works through it', async () => {
    await world.observe({ at: 0, status: 'start' });
    for (let at = 10; at <= 1230; at += 10) {
      await world.wait(at, 10);
      await world.observe({ at, octets: at });
      await world.observe({ ...laptop, at, octets: at });
    }
    expect(await world.visits()).toEqual(['open 0-1230']);
  });
});

describe('a station that is known by its identity alone', () => {
  test('goes on in its session when it becomes a device, so that its Stop is the end of it', async () => {
    await world.observe({ at: 0, device: 'sta_1', status: 'start' });
    await world.go(5);
    await world.observe({ at: 5, device: 'sta_1', octets: 5 });
    await world.go(10);
    await world.observe({ at: 10, device: 'dev_1', octets: 10, status: 'stop' });
    const links = (await world.state())?.links.map(({ deviceId, associated }) => ({ deviceId, associated }));
    expect(links).toEqual([{ deviceId: 'dev_1', associated: false }]);
    expect(await world.visits()).toEqual(['open 0-10']);
  });

  test('is not taken for a device in another session, nor a device for another', async () => {
    await world.observe({ at: 0, device: 'sta_1', session: 'a', status: 'start' });
    await world.observe({ at: 0, device: 'dev_1', session: 'b', status: 'start' });
    await world.observe({ at: 0, device: 'dev_2', session: 'b', status: 'start' });
    expect((await world.state())?.links.map(({ deviceId }) => deviceId)).toEqual(['sta_1', 'dev_1', 'dev_2']);
  });
});

describe('one address', () => {
  test('that goes on in turn at two access points is somebody else’s as well, and that is told once', async () => {
    await world.observe({ at: 0, nas: 'ap-1', session: 'a', status: 'start' });
    for (let at = 1; at <= 8; at += 1) {
      await world.go(at);
      const here = at % 2 === 0 ? { nas: 'ap-1', session: 'a' } : { nas: 'ap-2', session: 'b' };
      await world.observe({ ...here, at, octets: at });
    }
    expect(await conflicts()).toMatchObject([
      { customerId: 'mia', deviceId: 'phone', spaceId: 'hq', registeredTo: null },
    ]);
    expect(await world.visits()).toEqual(['open 0-8']);
  });

  test('that roams, with a late last report of the access point before, is one phone', async () => {
    await world.observe({ at: 0, nas: 'ap-1', session: 'a', status: 'start' });
    await world.go(4);
    await world.observe({ at: 1, nas: 'ap-1', session: 'a', octets: 5 });
    await world.observe({ at: 2, nas: 'ap-2', session: 'b', status: 'start' });
    await world.observe({ at: 3, nas: 'ap-2', session: 'b', octets: 5 });
    await world.observe({ at: 4, nas: 'ap-1', session: 'a', octets: 9, status: 'stop' });
    await world.observe({ at: 4, nas: 'ap-2', session: 'b', octets: 9 });
    expect(await conflicts()).toEqual([]);
  });

  test('that is registered to another customer than it shows is told of once while any session of it is remembered', async () => {
    const cloned = { device: 'sta_1', registeredTo: { customerId: 'noah', deviceId: 'dev_noah' } };
    await world.observe({ ...cloned, at: 0, nas: 'ap-1', session: 'a', status: 'start' });
    for (let at = 5; at <= 20; at += 5) {
      await world.wait(at);
      await world.observe({ ...cloned, at, nas: 'ap-2', session: at < 15 ? 'a' : 'b', octets: at });
    }
    const told = { customerId: 'mia', spaceId: 'hq', deviceId: 'dev_noah', registeredTo: 'noah' };
    expect(await conflicts()).toMatchObject([told]);
    expect(await world.visits()).toEqual(['open 0-20']);
    expect(await world.visits('noah')).toEqual([]);
    await world.wait(20 + 1_440 + 30, 10);
    await world.observe({ ...cloned, at: 1_490, nas: 'ap-1', session: 'c', status: 'start' });
    expect(await conflicts()).toMatchObject([told, told]);
  });

  test('that counts for whom it is registered to, and shows another customer, is told of as that', async () => {
    const registeredTo = { customerId: 'noah', deviceId: 'dev_1' };
    await world.observe({ at: 0, device: 'dev_1', registeredTo, deviceWins: true, status: 'start' });
    const told = { customerId: 'mia', deviceId: 'dev_1', registeredTo: 'mia', authenticatedAs: 'noah' };
    expect(await conflicts()).toMatchObject([told]);
    expect(await world.visits()).toEqual(['open 0-0']);
  });

  test('that turns out to be registered to another customer in the middle of a session is told of then', async () => {
    await world.observe({ at: 0, device: 'sta_1', status: 'start' });
    await world.go(5);
    const registeredTo = { customerId: 'noah', deviceId: 'dev_noah' };
    await world.observe({ at: 5, device: 'sta_1', octets: 5, registeredTo });
    expect(await conflicts()).toMatchObject([{ customerId: 'mia', registeredTo: 'noah' }]);
    expect(await world.visits()).toEqual(['open 0-5']);
  });

  test('that is in two spaces at once is in the one it came to last, and that is told', async () => {
    await world.observe({ at: 0, nas: 'ap-1', session: 'a', status: 'start' });
    await world.go(2);
    await world.observe({ at: 2, space: 'annex', nas: 'ap-9', session: 'z', status: 'start' });
    for (let at = 3; at <= 8; at += 1) {
      await world.wait(at);
      await world.observe({ at, nas: 'ap-1', session: 'a', octets: at });
      await world.observe({ at, space: 'annex', nas: 'ap-9', session: 'z', octets: at });
    }
    await world.expire();
    expect(await world.visits()).toEqual(['transfer 0-0']);
    expect(await world.visits('mia', 'annex')).toEqual(['open 2-8']);
    expect(await conflicts()).toHaveLength(1);
  });
});
