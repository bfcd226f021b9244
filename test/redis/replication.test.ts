import { afterAll, beforeAll, expect, test } from 'vitest';
import { createRedis, openRedis, type Redis } from '../../src/redis/connect.ts';
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

async function connect(): Promise<Redis> {
  // The last node is a replica, and of another slot than ours or not: any node may be named.
  const client = await openRedis({ url: cluster.nodes.at(-1)?.url ?? '' }, logger, 'the cluster');
  opened.defer(() => client.disconnect());
  return client;
}

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
    20_000,
  );
  expect(await redis.get(key)).toBe('after');
  await until('it is confirmed that nobody is waited for', async () => (await writeReplicated('alone'))[1]);
  expect(await replicationWarning(redis, key)).toMatch(/no replica/u);
});
