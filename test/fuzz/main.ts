import { parseArgs } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { decodeRequest } from '../../src/protocols/radius/decode.ts';
import { encodeAccountingResponse } from '../../src/protocols/radius/encode-response.ts';
import { NasClocks } from '../../src/sources/radius/nas-clocks.ts';
import { mapAccounting } from '../../src/sources/radius/map.ts';
import { readRadiusFixtures } from '../support/radius-fixtures.ts';
import { createRandom, PacketMaker } from './random-packet.ts';

/**
 * `npm run fuzz -- --packets N --seed S`: sends random and mutated packets through decoding, answering and mapping. Exits
 * with 1 when one of them throws or takes long, or when memory grows; the seed and the packet's bytes repeat a failure.
 */

/** A slow packet is run again this often: the scheduler and the collector hit one run in a thousand, a defect hits all. */
const repeats = 5;
const slowMs = 1;
const maxGrowthBytes = 32 * 1024 * 1024;
const warmUp = 20_000;

const { values } = parseArgs({
  options: { packets: { type: 'string', default: '1000000' }, seed: { type: 'string', default: String(process.pid) } },
});
const packets = Number(values.packets);
const seed = Number(values.seed);
if (!Number.isSafeInteger(packets) || packets < 1 || !Number.isSafeInteger(seed)) {
  process.stderr.write('usage: node test/fuzz/main.ts [--packets N] [--seed S]\n');
  process.exit(2);
}

const secret = Buffer.from('sixteen-or-more-characters');
const origin = {
  sourceId: 'aps',
  spaceId: 'hq',
  senderAddress: '192.0.2.77',
  clocks: new NasClocks(),
  lateWindow: 86_400_000,
};
const arrivedAt = Date.parse('2026-11-24T09:00:05Z');
const corpus = readRadiusFixtures().map(({ attributes }) => attributes);
const maker = new PacketMaker(corpus, secret, createRandom(seed));
const outcomes = new Map<string, number>();

let slowestMs = 0;
let interruptions = 0;

function understand(packet: Buffer): string {
  const decoded = decodeRequest(packet, secret);
  if (decoded.type === 'rejected') return decoded.reason;
  encodeAccountingResponse(decoded, secret);
  const mapped = mapAccounting(decoded, arrivedAt, origin);
  if (mapped.type === 'ignored') return mapped.reason;
  const { at } = mapped.type === 'observation' ? mapped.observation : mapped.reset;
  if (at > arrivedAt) throw new Error('something happened after its arrival');
  return mapped.type;
}

function timed(packet: Buffer): number {
  const startedAt = performance.now();
  const outcome = understand(packet);
  const tookMs = performance.now() - startedAt;
  outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
  return tookMs;
}

function fail(packet: Buffer, what: string): never {
  process.stderr.write(`FAILED: ${what}\nseed ${seed}, packet ${packet.toString('hex')}\n`);
  process.exit(1);
}

function run(count: number): void {
  for (let i = 0; i < count; i += 1) {
    const packet = maker.next();
    try {
      let tookMs = timed(packet);
      if (tookMs > slowMs) {
        interruptions += 1;
        for (let again = 0; again < repeats; again += 1) tookMs = Math.min(tookMs, timed(packet));
      }
      slowestMs = Math.max(slowestMs, tookMs);
      if (tookMs > slowMs) fail(packet, `takes ${tookMs.toFixed(2)} ms every time`);
    } catch (error) {
      fail(packet, (error as Error).stack ?? String(error));
    }
  }
}

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

function residentBytes(): number {
  collect();
  return process.memoryUsage.rss();
}

run(Math.min(warmUp, packets));
const before = residentBytes();
const startedAt = performance.now();
run(packets);
const seconds = (performance.now() - startedAt) / 1000;
const growth = residentBytes() - before;

const report = {
  seed,
  packets,
  perSecond: Math.round(packets / seconds),
  slowestMs: Number(slowestMs.toFixed(3)),
  interruptions,
  growthMb: Number((growth / 1024 / 1024).toFixed(1)),
  outcomes: Object.fromEntries([...outcomes].toSorted(([, a], [, b]) => b - a)),
};
process.stdout.write(`${JSON.stringify(report, undefined, 2)}\n`);
if (growth > maxGrowthBytes) {
  process.stderr.write(`FAILED: memory grew by ${report.growthMb} MB\n`);
  process.exitCode = 1;
}
