import type { Redis } from 'ioredis';
import { lstatSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What to look for, by what it is called in a failure. */
export type Traces = ReadonlyMap<string, Buffer>;

/** A text as people and programs spell it; letters are compared without case. */
export function textTraces(...texts: readonly string[]): Traces {
  return new Map(texts.map((text) => [text, Buffer.from(text.toLowerCase())] as const));
}

/** A hardware address in every usual spelling, and its six bytes as they are. */
export function addressTraces(mac: string): Traces {
  const digits = mac.replaceAll('-', '').toLowerCase();
  const grouped = (size: number, between: string): string =>
    (digits.match(new RegExp(`.{${size}}`, 'gu')) as string[]).join(between);
  const spellings = [grouped(2, '-'), grouped(2, ':'), grouped(4, '.'), grouped(6, '-'), digits];
  return new Map([
    ...textTraces(...spellings),
    [`the bytes of ${mac}`, Buffer.from(digits, 'hex')] as const,
    [`${mac} in base64`, Buffer.from(Buffer.from(digits, 'hex').toString('base64').toLowerCase())] as const,
  ]);
}

/** Which traces these bytes hold. */
export function tracesIn(bytes: Buffer, traces: Traces): readonly string[] {
  const folded = Buffer.from(bytes);
  for (let at = 0; at < folded.length; at += 1) {
    const byte = folded[at] as number;
    if (byte >= 0x41 && byte <= 0x5a) folded[at] = byte + 0x20;
  }
  return [...traces].filter(([, trace]) => folded.includes(trace) || bytes.includes(trace)).map(([name]) => name);
}

/** What is found in which file under a directory. */
export function tracesInFiles(directory: string, traces: Traces): readonly string[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' }).flatMap((name) => {
    const file = join(directory, name);
    if (!lstatSync(file).isFile()) return [];
    return tracesIn(readFileSync(file), traces).map((trace) => `${name}: ${trace}`);
  });
}

/** What is found in which key of a Redis, in its name, or in any value. */
export async function tracesInRedis(redis: Redis, traces: Traces): Promise<readonly string[]> {
  const found: string[] = [];
  for (const key of await redis.keys('*')) {
    const parts = [Buffer.from(key), ...(await contents(redis, key))];
    const here = new Set(parts.flatMap((part) => tracesIn(part, traces)));
    found.push(...[...here].map((trace) => `${key}: ${trace}`));
  }
  return found;
}

async function contents(redis: Redis, key: string): Promise<Buffer[]> {
  const read: Readonly<Record<string, () => Promise<unknown>>> = {
    string: () => redis.getBuffer(key),
    hash: () => redis.callBuffer('HGETALL', key),
    list: () => redis.callBuffer('LRANGE', key, '0', '-1'),
    set: () => redis.smembersBuffer(key),
    zset: () => redis.callBuffer('ZRANGE', key, '0', '-1'),
    stream: () => redis.callBuffer('XRANGE', key, '-', '+'),
  };
  return buffersIn(await read[await redis.type(key)]?.());
}

function buffersIn(reply: unknown): Buffer[] {
  if (Buffer.isBuffer(reply)) return [reply];
  if (typeof reply === 'string') return [Buffer.from(reply)];
  return Array.isArray(reply) ? reply.flatMap(buffersIn) : [];
}
