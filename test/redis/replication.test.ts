import { afterAll, beforeAll, expect, test } from 'vitest';
import { createRedis, openRedis, type Redis, type RedisServer } from '../../src/redis/connect.ts';
import { Duty } from '../../src/redis/duty.ts';
import { readDurability } from '../../src/redis/durability.ts';
import { primaryOf } from '../../src/redis/primary.ts';
import { replicated, replicationWarning } from '../../src/redis/replication.ts';
import { Script } from '../../src/redis/script.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { createLogger } from '../../src/runtime/logger.ts';
import { RedisCluster } from '../support/redis-cluster.ts';
import { startRedis } from '../support/redis.ts';
import { until } from '../support/until.ts';

const logger = createLogger({ level: 'silent' });
const key = 'rollcall:{0}:probe';
const write = new Script(`redis.call('SET', KEYS[1], ARGV[1]) return ARGV[1]`);
const opened = new AsyncDisposableStack();
let cluster: RedisCluster;
let redis: Redis;

beforeAll(async () => {
  cluster = opened.use(await RedisCluster.start());
  redis = await connect();
});
afterAll(() => opened.disposeAsync());

async function connectTo(url: string): Promise<RedisServer> {
  const server = createRedis({ url }, logger);
  opened.defer(() => server.disconnect());
  await server.connect();
  return server;
}

async function connect(): Promise<Redis> {
  // The last node is a replica, and of another slot than ours or not: any node may be named.
  const client = await openRedis({ url: cluster.nodes.at(-1)?.url ?? '' }, logger, 'the cluster');
  opened.defer(() => client.disconnect());
  return client;
}

let texts = 0;
/** A script that no server knows. */
const newScript = () => new Script(`return redis.call('INCR', KEYS[1]) -- ${(texts += 1)}`);

const writeReplicated = (text: string) => replicated(redis, key, systemClock, () => write.run(redis, [key], [text]));

test('whichever node is named, each command finds the server of its key', async () => {
  expect(await write.run(redis, [key], ['text'])).toBe('text');
  expect(await write.runBinary(redis, [key], ['bytes'])).toEqual(Buffer.from('bytes'));
  expect(await redis.multi().del(key).set(key, 'both').get(key).exec()).toMatchObject([
    [null, 1],
    [null, 'OK'],
    [null, 'both'],
  ]);
  expect(primaryOf(redis, key)?.options.port).toBe((await cluster.primaryOf(key)).port);
  expect(await readDurability(redis, key)).toBe('always');
  const duty = new Duty(redis, 'rollcall:{0}:duty', 'me', 5_000);
  expect(await duty.acquire()).toBe(true);
  expect(await new Duty(redis, 'rollcall:{0}:duty', 'you', 5_000).acquire()).toBe(false);
  await duty.release();
});

test('a read that waits for an entry gets it when it comes, and a message reaches who listens on another node', async () => {
  const reader = await connect();
  const waiting = reader.xread('COUNT', 1, 'BLOCK', 4_000, 'STREAMS', 'rollcall:{0}:stream', '0');
  await redis.xadd('rollcall:{0}:stream', '*', 'field', 'value');
  expect((await waiting)?.[0]?.[1]).toHaveLength(1);
  const heard: string[] = [];
  const subscriber = await connect();
  subscriber.on('message', (_channel: string, text: string) => heard.push(text));
  await subscriber.subscribe('rollcall:events');
  await redis.publish('rollcall:events', '42');
  await until('the message is there', () => heard.includes('42'));
});

test('what is written is confirmed by a replica, and not while the replica hangs', async () => {
  expect(await writeReplicated('held')).toEqual(['held', true]);
  expect(await replicationWarning(redis, key)).toBeUndefined();
  const replica = await cluster.replicaOf(key);
  replica.process.signal('SIGSTOP');
  expect(await writeReplicated('not held')).toEqual(['not held', false]);
  replica.process.signal('SIGCONT');
  await until('it is confirmed again', async () => (await writeReplicated('held again'))[1]);
});

test('a script that the server has to be sent first is not taken for the write before it', async () => {
  expect(await writeReplicated('held')).toEqual(['held', true]);
  const replica = await cluster.replicaOf(key);
  replica.process.signal('SIGSTOP');
  const [, isReplicated] = await replicated(redis, key, systemClock, () => newScript().run(redis, [`${key}s`], []));
  expect(isReplicated).toBe(false);
  replica.process.signal('SIGCONT');
  await until('it is confirmed again', async () => (await writeReplicated('held again'))[1]);
});

test('a connection that has just been made asks who follows before it believes', async () => {
  const fresh = await connect();
  const replica = await cluster.replicaOf(key);
  replica.process.signal('SIGSTOP');
  const [, isReplicated] = await replicated(fresh, key, systemClock, () => write.run(fresh, [key], ['text']));
  expect(isReplicated).toBe(false);
  replica.process.signal('SIGCONT');
  await until('it is confirmed again', async () => (await writeReplicated('held again'))[1]);
});

test('what is asked together of a connection that has just been made is all answered', async () => {
  const fresh = await connect();
  const keys = Array.from({ length: 40 }, (_, n) => `together:${n}`);
  expect(await Promise.all(keys.map((name) => fresh.set(name, 'here')))).toEqual(keys.map(() => 'OK'));
});

test('the weakest of a primary and its replicas says what survives a power cut', async () => {
  const replica = await connectTo((await cluster.replicaOf(key)).url);
  await replica.config('SET', 'appendfsync', 'everysec');
  expect(await readDurability(redis, key)).toBe('everysec');
  await replica.config('SET', 'appendfsync', 'always');
  expect(await readDurability(redis, key)).toBe('always');
});

test('a database other than 0 is refused, since a cluster has none', async () => {
  const opening = openRedis({ url: `${cluster.nodes[0]?.url}/1` }, logger, 'the cluster');
  await expect(opening).rejects.toThrow(/no database 1/u);
});

test('through a failover no write is done twice, and none that was confirmed is lost', async () => {
  const counter = 'rollcall:{0}:counter';
  const increment = newScript();
  let sent = 0;
  let highest = 0;
  const writeOnce = async (): Promise<boolean> => {
    sent += 1;
    const work = () => increment.run(redis, [counter], []);
    const [reply, isReplicated] = await replicated(redis, counter, systemClock, work).catch(() => [0, false] as const);
    if (isReplicated) highest = Math.max(highest, Number(reply));
    return isReplicated;
  };
  expect(await writeOnce()).toBe(true);
  const primary = await cluster.primaryOf(key);
  const writing = Array.from({ length: 30 }, writeOnce);
  await primary.process.kill('SIGKILL');
  await Promise.all(writing);
  await until('writes are confirmed again', writeOnce, 45_000);
  let stored = Number.NaN;
  const read = async (): Promise<boolean> => Number.isFinite((stored = Number(await redis.get(counter))));
  await until('what is written can be read', () => read().catch(() => false));
  expect(stored).toBeGreaterThanOrEqual(highest);
  expect(stored).toBeLessThanOrEqual(sent);
  await cluster.restart(primary);
  expect(await replicationWarning(redis, key)).toBeUndefined();
}, 120_000);

test('a server without replicas waits for nobody', async () => {
  await using server = await startRedis();
  const single = createRedis({ url: server.url }, logger);
  await single.connect();
  const reply = await replicated(single, key, systemClock, () => write.run(single, [key], ['alone']));
  expect(reply).toEqual(['alone', true]);
  expect(await replicationWarning(single, key)).toBeUndefined();
  single.disconnect();
});

test('after the loss of the primary the same client goes on by itself, and says that there is no replica', async () => {
  expect(await writeReplicated('before')).toEqual(['before', true]);
  await (await cluster.primaryOf(key)).process.kill('SIGKILL');
  await until(
    'the other node takes writes',
    () =>
      writeReplicated('after').then(
        () => true,
        () => false,
      ),
    45_000,
  );
  expect(await redis.get(key)).toBe('after');
  await until('it is confirmed that nobody is waited for', async () => (await writeReplicated('alone'))[1]);
  expect(await replicationWarning(redis, key)).toMatch(/no replica/u);
}, 120_000);
