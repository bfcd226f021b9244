import { afterEach, beforeEach, expect, test } from 'vitest';
import { revokeToken } from '../../src/identity/tokens.ts';
import { openWorld, type World } from './world.ts';
import { addCustomer, addEvents } from './people.ts';
import { RawStream } from './raw-stream.ts';

let world: World;

beforeEach(async () => {
  world = await openWorld({
    options: { streamLimits: { maxStreams: 3, keepAliveMs: 30, maxBufferedBytes: 64 * 1024, batch: 5 } },
  });
  await addCustomer(world, 'mia');
});
afterEach(() => world[Symbol.asyncDispose]());

const tokenOf = (name: string) => world.made[name]?.token ?? '';

const upTo = (last: number, from = 1) => Array.from({ length: last - from + 1 }, (_, index) => from + index);

test('a stream carries id, type and the event itself', async () => {
  using stream = await RawStream.open(world.url);
  expect(stream.response.headers['content-type']).toBe('text/event-stream; charset=utf-8');
  expect(stream.response.headers['cache-control']).toBe('no-store');
  await addEvents(world, 1);
  await stream.until(({ sequences }) => sequences.length === 1);
  const [, json = ''] = /^id: 1\nevent: checkin\.recorded\ndata: (.*)$/m.exec(stream.text) ?? [];
  expect(JSON.parse(json)).toMatchObject({
    sequence: 1,
    type: 'checkin.recorded',
    timestamp: '2026-11-24T09:00:01.000Z',
    data: {
      customerId: 'mia',
      customerName: 'mia',
      spaceId: 'annex',
      state: 'open',
      startedAt: '2026-11-24T09:00:01.000Z',
    },
  });
});

test('without a cursor a stream begins with what happens next, and says from where to resume at once', async () => {
  await addEvents(world, 4);
  using stream = await RawStream.open(world.url);
  await stream.until(({ text }) => text.includes('\n\n'));
  expect(stream.text).toContain('retry: 2000\nid: 4\n\n');
  await addEvents(world, 1);
  await stream.until(({ sequences }) => sequences.length === 1);
  expect(stream.sequences).toEqual([5]);
});

test.each([
  ['Last-Event-ID', { lastEventId: '7' }],
  ['after', { query: '?after=7' }],
  ['Last-Event-ID before after', { lastEventId: '7', query: '?after=2' }],
])('a stream resumes after %s', async (_what, options) => {
  await addEvents(world, 12);
  using stream = await RawStream.open(world.url, options);
  await stream.until(({ sequences }) => sequences.length === 5);
  expect(stream.sequences).toEqual(upTo(12, 8));
});

test('catching up while events go on happening neither skips nor repeats one', async () => {
  await addEvents(world, 30);
  const streams = await Promise.all(
    [0, 10, 29].map((after) => RawStream.open(world.url, { lastEventId: String(after) })),
  );
  await addEvents(world, 30);
  await Promise.all(streams.map((stream) => stream.until(({ sequences }) => sequences.at(-1) === 60)));
  expect(streams.map(({ sequences }) => sequences)).toEqual([upTo(60), upTo(60, 11), upTo(60, 30)]);
  for (const stream of streams) stream[Symbol.dispose]();
});

test('a quiet stream is kept alive by comments', async () => {
  using stream = await RawStream.open(world.url);
  await stream.until(({ text }) => text.includes(': keep-alive\n\n: keep-alive\n\n'));
  expect(stream.sequences).toEqual([]);
});

test('a token that belongs to a space sees its events only, and its cursor still moves', async () => {
  using stream = await RawStream.open(world.url, { token: tokenOf('annexDesk'), lastEventId: '0' });
  const pass = await world.call('POST', '/v1/customers/mia/passes', { body: { kind: 'unlimited' } });
  expect(pass.status).toBe(201);
  await addEvents(world, 2, 'hq');
  await addEvents(world, 2, 'annex');
  await addEvents(world, 2, 'hq');
  await stream.until(({ text }) => text.includes(': keep-alive\nid: 6\n\n'));
  expect(stream.sequences).toEqual([3, 4]);
});

test('a stream ends with the token that opened it', async () => {
  using stream = await RawStream.open(world.url, { token: tokenOf('platform') });
  const { id } = world.made['platform'] ?? { id: '' };
  await revokeToken(world.db, world.clock, id);
  world.tokens.forget(id);
  await stream.ended;
  expect(stream.text).not.toContain('event:');
});

test('more streams than there may be are sent away for a while', async () => {
  const streams = await Promise.all(upTo(3).map(() => RawStream.open(world.url)));
  const refused = await RawStream.open(world.url);
  expect(refused.response.statusCode).toBe(503);
  expect(refused.response.headers['retry-after']).toBe('5');
  for (const stream of streams) stream[Symbol.dispose]();
});

test('a consumer that takes nothing is closed instead of filling the memory', async () => {
  using stream = await RawStream.open(world.url);
  stream.response.pause();
  const name = 'x'.repeat(100_000);
  await world.db.write.updateTable('customers').set({ name }).where('id', '=', 'mia').execute();
  for (let i = 0; i < 60; i += 1) await addEvents(world, 2);
  stream.response.resume();
  await stream.ended;
  expect(stream.sequences.length).toBeLessThan(120);
});

test('as JSON, events come in pages that say where the next one begins', async () => {
  await addEvents(world, 5);
  const first = await world.call('GET', '/v1/events?limit=3');
  expect(first.body['nextCursor']).toBe('3');
  const second = await world.call('GET', '/v1/events?limit=3&cursor=3');
  expect(second.body['nextCursor']).toBeNull();
  const items = [first, second].flatMap(({ body }) => body['items'] as { sequence: number }[]);
  expect(items.map(({ sequence }) => sequence)).toEqual(upTo(5));
  expect((await world.call('GET', '/v1/events?after=5')).body).toEqual({ items: [], nextCursor: null });
});

test('a cursor beyond the newest event is refused, since waiting for it would hide every new one', async () => {
  await addEvents(world, 2);
  const { status, body } = await world.call('GET', '/v1/events?after=9');
  expect([status, body['code'], body['latest']]).toEqual([409, 'cursorAhead', 2]);
  const stream = await RawStream.open(world.url, { lastEventId: '9' });
  expect(stream.response.statusCode).toBe(409);
});

test('a cursor whose next event was deleted is refused with where to go on, and 0 begins with what there is', async () => {
  await addEvents(world, 6);
  await world.db.write.deleteFrom('events').where('sequence', '<=', 4).execute();
  for (const query of ['after=3', 'cursor=1']) {
    const { status, body } = await world.call('GET', `/v1/events?${query}`);
    expect([status, body['code'], body['oldest'], body['latest']]).toEqual([410, 'cursorTooOld', 5, 6]);
  }
  const stream = await RawStream.open(world.url, { lastEventId: '3' });
  expect(stream.response.statusCode).toBe(410);
  for (const after of ['0', '4']) {
    const { body } = await world.call('GET', `/v1/events?after=${after}`);
    expect((body['items'] as { sequence: number }[]).map(({ sequence }) => sequence)).toEqual([5, 6]);
    using resumed = await RawStream.open(world.url, { lastEventId: after });
    await resumed.until(({ sequences }) => sequences.length === 2);
    expect(resumed.sequences).toEqual([5, 6]);
  }
});

test('with every event deleted the newest sequence is still known, and the next one follows it', async () => {
  await addEvents(world, 4);
  await world.db.write.deleteFrom('events').execute();
  expect((await world.call('GET', '/v1/events?after=4')).body).toEqual({ items: [], nextCursor: null });
  expect((await world.call('GET', '/v1/events?after=3')).status).toBe(410);
  await addEvents(world, 1);
  const { body } = await world.call('GET', '/v1/events?after=4');
  expect((body['items'] as { sequence: number }[]).map(({ sequence }) => sequence)).toEqual([5]);
});

test('a Last-Event-ID that is no sequence is refused', async () => {
  const stream = await RawStream.open(world.url, { lastEventId: 'evt_1' });
  expect(stream.response.statusCode).toBe(400);
});
