import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { findSourceAmong } from '../../src/app-push.ts';
import { PushSource } from '../../src/sources/push/source.ts';
import { signedHeaders, signingSecret } from '../support/signing.ts';
import { openWorld, type World } from './world.ts';

let world: World;
let observed = 0;

beforeAll(async () => {
  let find: ReturnType<typeof findSourceAmong> = () => undefined;
  world = await openWorld({ ports: { findSource: (id) => find(id) } });
  const sink = {
    observe(_: unknown, done: (result: 'recorded') => void): void {
      observed += 1;
      done('recorded');
    },
  };
  const ports = { clock: world.clock, sink, lateWindow: 86_400_000 };
  const portal = { id: 'portal', space: 'hq', secret: { reveal: () => signingSecret } };
  const sources = [new PushSource({ id: 'helper', space: 'hq' }, ports), new PushSource(portal, ports)];
  for (const source of sources) await source.start();
  find = findSourceAmong(sources);
});
afterAll(() => world[Symbol.asyncDispose]());

const text = fc.oneof(
  fc.string(),
  fc.string({ unit: 'binary' }),
  fc.constantFrom('__proto__', 'constructor', '\ud800'),
);
const address = fc.uint8Array({ minLength: 6, maxLength: 6 }).map((bytes) => Buffer.from(bytes).toString('hex'));
const mac = fc.oneof({ weight: 5, arbitrary: address }, text);

/** Nearly a batch: each field right more often than not, so that faults are met one at a time. */
const item = fc.record(
  {
    kind: fc.oneof({ weight: 5, arbitrary: fc.constantFrom('associated', 'active', 'left') }, text),
    mac,
    identity: text,
    identityKind: fc.oneof(fc.constantFrom('portal', 'pskName', 'userName'), text),
    at: fc.oneof(
      fc.date({ noInvalidDate: true }).map((date) => date.toISOString()),
      text,
      fc.integer(),
    ),
    accessPoint: text,
    ssid: text,
    ipAddress: fc.oneof(fc.ipV4(), fc.ipV6(), text),
    hostname: text,
  },
  { requiredKeys: ['kind'] },
);
const anything = fc.oneof({ weight: 9, arbitrary: item }, fc.jsonValue());
const batch = fc.record({
  sourceId: fc.oneof({ weight: 8, arbitrary: fc.constantFrom('helper', 'portal') }, fc.jsonValue()),
  observations: fc.oneof({ weight: 8, arbitrary: fc.array(anything, { maxLength: 5 }) }, fc.jsonValue()),
});

async function post(body: string, isSigned: boolean): Promise<number> {
  // Limits are another test's.
  world.clock.pass(2_000);
  const headers = isSigned ? signedHeaders(body, world.clock.now()) : { 'content-type': 'application/json' };
  const before = observed;
  const { status, body: answer } = await world.call('POST', '/v1/observations', {
    token: isSigned ? null : 'platform',
    body,
    headers,
  });
  expect(observed - before).toBe(status === 200 ? answer['recorded'] : 0);
  return status;
}

test('whatever is sent is taken as a whole or refused with a reason, and never a failure of ours', async () => {
  const statuses = new Map<number, number>();
  const sent = fc.oneof(
    { weight: 4, arbitrary: batch.map((value) => JSON.stringify(value)) },
    fc.json(),
    fc.string({ unit: 'binary' }),
  );
  await fc.assert(
    fc.asyncProperty(sent, fc.boolean(), async (body, isSigned) => {
      const status = await post(body, isSigned);
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
      expect([200, 400, 401, 404]).toContain(status);
    }),
    { numRuns: 150, seed: 20_261_128 },
  );
  expect(statuses.get(200)).toBeGreaterThan(0);
  expect(statuses.get(400)).toBeGreaterThan(0);
});
