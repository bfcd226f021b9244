import { Redis } from 'ioredis';
import { expect, test } from 'vitest';
import { durabilityWarning, readDurability } from '../../src/redis/durability.ts';
import { startRedis } from '../support/redis.ts';

test('what the server promises is read from the server, and a weaker promise is said with what to do', async () => {
  await using server = await startRedis();
  const redis = new Redis(server.url);
  expect(await readDurability(redis, 'any')).toBe('always');
  expect(durabilityWarning('always')).toBeUndefined();
  await redis.config('SET', 'appendfsync', 'everysec');
  expect(durabilityWarning(await readDurability(redis, 'any'))).toMatch(/last second .* "appendfsync always"/u);
  await redis.config('SET', 'appendonly', 'no');
  expect(await readDurability(redis, 'any')).toBe('none');
  redis.disconnect();
});
