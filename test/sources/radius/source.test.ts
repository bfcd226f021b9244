import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { describe, expect, test } from 'vitest';
import { integerAttribute } from '../../../src/protocols/radius/attribute.ts';
import { verifyResponseAuthenticator } from '../../../src/protocols/radius/authenticator.ts';
import { attributeType } from '../../../src/protocols/radius/dictionary.ts';
import { RadiusReceiver } from '../../../src/sources/radius/receiver.ts';
import { RadiusSource } from '../../../src/sources/radius/source.ts';
import { UserError } from '../../../src/runtime/user-error.ts';
import { client, proxyState, RadiusWorld, report, secret } from './radius-world.ts';

const rotated = Buffer.from('the-secret-that-comes-after-it');

test('a report is observed, recorded, and only then answered', async () => {
  await using world = await RadiusWorld.open();
  const peer = await world.peer();
  world.outcome = 'later';
  const request = report({ more: [proxyState('one'), proxyState('two')] });
  peer.send(request);
  expect(await world.caughtUp(peer)).toEqual([]);
  expect(world.observations).toMatchObject([
    { sourceId: 'aps', spaceId: 'hq', kind: 'associated', station: '00-00-5E-00-53-01' },
  ]);
  world.pending[0]!('recorded');
  const answer = await peer.next();
  expect(verifyResponseAuthenticator(answer, request.subarray(4, 20), secret)).toBe(true);
  expect(answer.subarray(20).toString('latin1')).toBe('!\u0005one!\u0005two');
  expect(world.counts).toEqual(new Map([['127.0.0.0/8 accepted', 2]]));
  expect(world.source.status()).toEqual({
    state: 'up',
    since: world.now,
    observations: 1,
    lastObservationAt: world.now,
  });
});

test('what there is nothing to record of is answered', async () => {
  await using world = await RadiusWorld.open();
  const peer = await world.peer();
  world.outcome = 'ignored';
  peer.send(report({ identifier: 1 }));
  peer.send(report({ identifier: 2, status: 15 }));
  expect([(await peer.next())[1], (await peer.next())[1]]).toEqual([1, 2]);
  expect(world.source.status().observations).toBe(0);
});

test('Accounting-On and Off are resets of the NAS', async () => {
  await using world = await RadiusWorld.open();
  const peer = await world.peer();
  peer.send(report({ identifier: 1, status: 7 }));
  peer.send(report({ identifier: 2, status: 8 }));
  expect([(await peer.next())[0], (await peer.next())[0]]).toEqual([5, 5]);
  const reset = { sourceId: 'aps', spaceId: 'hq', nasKey: 'hq/ap-lobby', at: world.now };
  expect(world.resets).toEqual([
    { ...reset, kind: 'on' },
    { ...reset, kind: 'off' },
  ]);
  expect(world.observations).toEqual([]);
});

test('a reset tells how often the stations of its NAS report, where that is set', async () => {
  await using world = await RadiusWorld.open([client('127.0.0.0/8', { reportingInterval: 3_600_000 })]);
  const peer = await world.peer();
  peer.send(report({ identifier: 1, status: 7 }));
  await peer.next();
  expect(world.resets).toMatchObject([{ kind: 'on', reportingInterval: 3_600_000 }]);
});

test('an old report is acknowledged as a replay, and moves nothing', async () => {
  await using world = await RadiusWorld.open();
  const peer = await world.peer();
  const yesterday = integerAttribute(attributeType.eventTimestamp, Math.floor(world.now / 1000) - 90_000);
  peer.send(report({ more: [yesterday] }));
  await peer.next();
  expect(world.observations).toEqual([]);
  expect(world.counts).toEqual(new Map([['127.0.0.0/8 replay', 1]]));
  expect(world.source.status().problem).toMatch(/127\.0\.0\.1 .* check its clock/);
  world.now += 601_000;
  expect(world.source.status().problem).toBeUndefined();
});

describe('duplicates', () => {
  test('one that was answered gets the same bytes again', async () => {
    await using world = await RadiusWorld.open();
    const peer = await world.peer();
    const request = report({ more: [proxyState('one')] });
    peer.send(request);
    const answer = await peer.next();
    peer.send(request);
    expect((await peer.next()).equals(answer)).toBe(true);
    expect(world.observations.length).toBe(1);
    expect(world.counts.get('127.0.0.0/8 duplicate')).toBe(1);
  });

  test('one of a report that is being recorded is dropped, and one answer serves both', async () => {
    await using world = await RadiusWorld.open();
    const peer = await world.peer();
    world.outcome = 'later';
    peer.send(report({}));
    peer.send(report({}));
    expect(await world.caughtUp(peer)).toEqual([]);
    expect(world.pending.length).toBe(1);
    world.pending[0]!('recorded');
    await peer.next();
    expect(await world.caughtUp(peer)).toEqual([]);
  });

  test('the same identifier with another authenticator is a new report', async () => {
    await using world = await RadiusWorld.open();
    const peer = await world.peer();
    for (const session of ['s1', 's2', 's1']) {
      peer.send(report({ session }));
      await peer.next();
    }
    expect(world.observations.map(({ session }) => session?.key)).toEqual(
      ['s1', 's2', 's1'].map((id) => `hq/ap-lobby|${id}`),
    );
    expect(world.counts.get('127.0.0.0/8 duplicate')).toBeUndefined();
  });

  test('the same bytes from another port are another report', async () => {
    await using world = await RadiusWorld.open();
    for (const peer of [await world.peer(), await world.peer()]) {
      peer.send(report({}));
      await peer.next();
    }
    expect(world.observations.length).toBe(2);
  });

  test('they are remembered for 15 seconds at least, and no longer than 30', async () => {
    await using world = await RadiusWorld.open();
    const peer = await world.peer();
    const repeatAfter = async (ms: number): Promise<number> => {
      world.now += ms;
      peer.send(report({}));
      await peer.next();
      return world.observations.length;
    };
    expect(await repeatAfter(0)).toBe(1);
    expect(await repeatAfter(14_999)).toBe(1);
    expect(await repeatAfter(1)).toBe(1);
    expect(await repeatAfter(15_000)).toBe(2);
    expect(await repeatAfter(100_000)).toBe(3);
  });
});

describe('what cannot be recorded', () => {
  test('stays unanswered, and its repetition is taken up anew', async () => {
    await using world = await RadiusWorld.open();
    const peer = await world.peer();
    world.outcome = 'notRecorded';
    peer.send(report({}));
    expect(await world.caughtUp(peer)).toEqual([]);
    expect(world.counts.get('127.0.0.0/8 notRecorded')).toBe(1);
    expect(world.source.status().problem).toMatch(/cannot be recorded/);
    world.outcome = 'recorded';
    peer.send(report({}));
    expect((await peer.next())[0]).toBe(5);
    expect(world.observations.length).toBe(2);
    expect(world.source.status().problem).toBeUndefined();
  });

  test('one that ends badly does not answer for a later one under its identifier', async () => {
    await using world = await RadiusWorld.open();
    const peer = await world.peer();
    world.outcome = 'later';
    peer.send(report({ session: 's1' }));
    peer.send(report({ session: 's2' }));
    await world.caughtUp(peer);
    world.pending[0]!('notRecorded');
    peer.send(report({ session: 's2' }));
    expect(await world.caughtUp(peer)).toEqual([]);
    expect(world.pending.length).toBe(2);
    world.pending[1]!('recorded');
    const answer = await peer.next();
    expect(verifyResponseAuthenticator(answer, report({ session: 's2' }).subarray(4, 20), secret)).toBe(true);
  });
});

describe('clients', () => {
  test('the longest matching range decides on secret and space', async () => {
    const other = { secret: { reveal: () => rotated.toString() }, space: 'annex' };
    await using world = await RadiusWorld.open([
      client('127.0.0.0/8'),
      client('127.0.0.2', other),
      client('127.0.0.0/30'),
    ]);
    const annex = await world.peer({ from: '127.0.0.2' });
    annex.send(report({ secret: rotated }));
    await annex.next();
    const hq = await world.peer({ from: '127.0.0.3' });
    hq.send(report({}));
    await hq.next();
    expect(world.observations.map(({ spaceId }) => spaceId)).toEqual(['annex', 'hq']);
    expect([...world.counts.keys()]).toEqual(['127.0.0.2 accepted', '127.0.0.0/30 accepted']);
  });

  test('both secrets hold during a change, and each answer is under the one that was used', async () => {
    const secretNow = { reveal: () => rotated.toString() };
    const before = { reveal: () => secret.toString() };
    await using world = await RadiusWorld.open([client('127.0.0.1/32', { secret: secretNow, previousSecret: before })]);
    const peer = await world.peer();
    for (const key of [rotated, secret]) {
      const request = report({ secret: key, session: key.toString() });
      peer.send(request);
      expect(verifyResponseAuthenticator(await peer.next(), request.subarray(4, 20), key)).toBe(true);
      expect(await world.caughtUp(peer, key)).toEqual([]);
    }
    peer.send(report({ secret: Buffer.from('neither of the two') }));
    expect(await world.caughtUp(peer)).toEqual([]);
    expect(world.counts.get('127.0.0.1/32 badAuthenticator')).toBe(1);
  });

  test('a Message-Authenticator can be demanded of one', async () => {
    await using world = await RadiusWorld.open([client('127.0.0.1/32', { requireMessageAuthenticator: true })]);
    const peer = await world.peer();
    peer.send(report({ identifier: 1 }));
    peer.send(report({ identifier: 2, messageAuthenticator: true }));
    expect((await peer.next())[1]).toBe(2);
    expect(world.counts.get('127.0.0.1/32 badAuthenticator')).toBe(1);
  });

  test('IPv6 works, and IPv4 through a socket for both', async () => {
    await using world = await RadiusWorld.open([client('::1/128'), client('127.0.0.0/8')], '::');
    const six = await world.peer({ to: '::1' });
    six.send(report({}));
    expect((await six.next())[0]).toBe(5);
    const four = await world.peer();
    four.send(report({}));
    expect((await four.next())[0]).toBe(5);
    expect([...world.counts.keys()]).toEqual(['::1/128 accepted', '127.0.0.0/8 accepted']);
  });
});

describe('what nobody should have sent', () => {
  test('an unknown sender hears nothing and is counted', async () => {
    await using world = await RadiusWorld.open([client('127.0.0.1')]);
    const stranger = await world.peer({ from: '127.0.0.9' });
    stranger.send(report({}));
    const known = await world.peer();
    await world.caughtUp(known);
    expect(stranger.unread).toBe(0);
    expect(world.counts.get('unknown unknownClient')).toBe(1);
  });

  test('noise, forgeries and old habits are counted by reason, and delay nobody', async () => {
    await using world = await RadiusWorld.open([client('127.0.0.1', { secret: { reveal: () => 'testing123' } })]);
    const key = Buffer.from('testing123');
    const peer = await world.peer();
    const forged =
      '04010038e282ffffffffffffffffffffffffffff2806000000011f1341412d42422d43432d44442d45452d46462c0b66303030316d737571';
    peer.send(Buffer.from(forged, 'hex'));
    peer.send(Buffer.from(report({ secret: key })).fill(0, 4, 20));
    peer.send(report({ secret }));
    peer.send(report({ secret: key }).subarray(0, 30));
    peer.send(Buffer.alloc(4096, 0xaa));
    // Its Length says 1028 octets, so that the rest is padding of a packet with a wrong authenticator.
    peer.send(Buffer.alloc(65_000, 0x04));
    peer.send(Buffer.alloc(0));
    expect(await world.caughtUp(peer, key)).toEqual([]);
    expect(world.counts).toEqual(
      new Map([
        ['127.0.0.1 badAuthenticator', 4],
        ['127.0.0.1 malformed', 3],
        ['127.0.0.1 accepted', 1],
      ]),
    );
    expect(world.observations).toEqual([]);
  });

  test('each reason is logged once in ten seconds, with how often it happened', async () => {
    await using world = await RadiusWorld.open();
    const peer = await world.peer();
    const wrong = report({ secret: rotated });
    for (let i = 0; i < 5; i += 1) peer.send(wrong);
    await world.caughtUp(peer);
    world.now += 10_000;
    peer.send(wrong);
    await world.caughtUp(peer);
    expect(world.lines.map(({ reason, count }) => ({ reason, count }))).toEqual([
      { reason: 'badAuthenticator', count: 1 },
      { reason: 'badAuthenticator', count: 5 },
    ]);
    expect(JSON.stringify(world.lines)).not.toContain(secret.toString());
  });
});

describe('life cycle', () => {
  test('a stop waits for what is being recorded, and answers it', async () => {
    await using world = await RadiusWorld.open();
    const peer = await world.peer();
    world.outcome = 'later';
    peer.send(report({}));
    await world.caughtUp(peer);
    const stopped = world.source[Symbol.asyncDispose]();
    world.pending.splice(0)[0]!('recorded');
    await stopped;
    expect((await peer.next())[0]).toBe(5);
    expect(world.source.status().state).toBe('down');
  });

  test('a port in use is explained', async () => {
    await using taken = createSocket('udp4');
    taken.bind(0, '127.0.0.1');
    await once(taken, 'listening');
    await using world = await RadiusWorld.open();
    const listen = { host: '127.0.0.1', port: taken.address().port };
    const source = new RadiusSource({ id: 'two', space: 'hq', listen, clients: [client('127.0.0.1')] }, world.ports());
    expect(source.status().state).toBe('starting');
    await expect(source.start()).rejects.toThrow(UserError);
    await expect(source.start()).rejects.toThrow(/source "two" cannot listen .* another process listens there/);
    expect(source.status()).toMatchObject({
      state: 'down',
      problem: expect.stringContaining('another process') as string,
    });
  });

  test('a defect behind one packet stops nothing', async () => {
    await using world = await RadiusWorld.open();
    const peer = await world.peer();
    world.observations.push = () => {
      throw new Error('defect');
    };
    peer.send(report({}));
    expect(await world.caughtUp(peer)).toEqual([]);
    expect(world.counts.get('127.0.0.0/8 notRecorded')).toBe(1);
    expect(world.source.status().state).toBe('up');
  });
});

test('a datagram without a return port is counted and goes no further, however genuine', async () => {
  await using world = await RadiusWorld.open();
  const config = { id: 'aps', space: 'hq', listen: { host: '127.0.0.1', port: 0 }, clients: [client('127.0.0.0/8')] };
  const receiver = new RadiusReceiver(config, world.ports(), () => {
    throw new RangeError('no packet can be sent to port 0');
  });
  receiver.receive(report({}), '127.0.0.1', 0);
  expect(world.observations).toEqual([]);
  expect(world.counts).toEqual(new Map([['127.0.0.0/8 malformed', 1]]));
});
