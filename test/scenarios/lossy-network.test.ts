import { afterAll, describe, expect, test } from 'vitest';
import type { AccountingReport } from '../../src/demo/accounting-report.ts';
import { createRandom } from '../../src/demo/random.ts';
import { allCheckIns } from '../support/check-ins.ts';
import { Nas } from '../support/nas.ts';
import { crowdMac, registerPeople } from '../support/people.ts';
import { Service } from '../support/service.ts';
import { UdpProxy } from '../support/udp-proxy.ts';
import { never, until } from '../support/until.ts';

const all = process.env['ROLLCALL_TEST_ALL'] !== undefined;
const SEEDS = all ? [1, 2, 3, 4, 5] : [1];
const PEOPLE = all ? 60 : 20;
const DELAY_MS = all ? 5_000 : 2_000;
/** By then everything is in the ledger, even on a busy machine. */
const SETTLED_MS = 20_000;

const opened = new AsyncDisposableStack();
afterAll(() => opened.disposeAsync());

/** Minutes of the past two hours in which somebody's session began, was seen to be active, and ended. */
type Told = { readonly begins: number; readonly activeAt: readonly number[]; readonly ends: number | undefined };

function tell(seed: number, sessions: number): readonly Told[] {
  const random = createRandom(seed);
  let at = 120;
  return Array.from({ length: sessions }, (_, n) => {
    const begins = at - Math.ceil(random() * 5);
    const activeAt = Array.from({ length: 1 + Math.floor(random() * 5) }, (_, k) => begins - (k + 1) * 4);
    at = (activeAt.at(-1) ?? begins) - Math.ceil(random() * 25);
    // The last session of some is still going on.
    return { begins, activeAt, ends: n + 1 < sessions || random() < 0.5 ? (activeAt.at(-1) ?? begins) - 1 : undefined };
  });
}

type Common = Pick<AccountingReport, 'mac' | 'sessionId' | 'nasAddress'>;

function reportsOf(common: Common, told: Told, nowSeconds: number): readonly AccountingReport[] {
  const at = (minutes: number) => ({
    eventTimestamp: nowSeconds - minutes * 60,
    durationSeconds: (told.begins - minutes) * 60,
  });
  const active = told.activeAt.map((minutes, n) => {
    return { ...common, status: 'interim' as const, octets: (n + 1) * 1_000, ...at(minutes) };
  });
  const stop = { ...common, status: 'stop' as const, octets: active.length * 1_000, ...at(told.ends ?? 0) };
  return [{ ...common, status: 'start', ...at(told.begins) }, ...active, ...(told.ends === undefined ? [] : [stop])];
}

describe.each(SEEDS)('T4: a network that loses 30 % each way and is seconds late (seed %i)', (seed) => {
  test('T4: the ledger is that of the network without losses', async () => {
    const service = opened.use(await Service.start({ spaces: [{ id: 'main', idleTimeout: '10m' }] }));
    const person = (n: number) => ({ tells: tell(seed * 1_000 + n, 1 + (n % 3)), mac: crowdMac(n) });
    const people = Array.from({ length: PEOPLE }, (_, n) => person(n));
    await registerPeople(
      service.api,
      people.flatMap(({ mac }, n) => [
        { id: `good${n}`, mac },
        { id: `bad${n}`, mac: crowdMac(1_000 + n) },
      ]),
    );
    const faults = { drop: 0.3, duplicate: 0.1, copies: 10, truncate: 0.05, delayMs: DELAY_MS };
    const proxy = opened.use(await UdpProxy.open({ to: service.radiusPort, seed, faults }));
    const secret = service.radiusSecret;
    const good = opened.use(await Nas.open({ port: service.radiusPort, secret }));
    const bad = opened.use(await Nas.open({ port: proxy.port, secret, repeatEveryMs: 500 }));
    const nowSeconds = Math.floor(Date.now() / 1_000);
    // An access point of their own for each, so that nothing that is learned of one has an effect on the other.
    const reports = (prefix: string, first: number, nasAddress: string) =>
      people.map(({ tells }, n) =>
        tells.flatMap((told, k) =>
          reportsOf({ mac: crowdMac(first + n), sessionId: `${prefix}${n}-${k}`, nasAddress }, told, nowSeconds),
        ),
      );
    const inOrder = reports('good', 0, '192.0.2.10').map(async (mine) => {
      for (const report of mine) await good.send(report);
    });
    // An access point does not wait for the answer to one report before it sends the next.
    const atOnce = reports('bad', 1_000, '192.0.2.11').flatMap((mine) => mine.map((report) => bad.send(report)));
    await Promise.all([...inOrder, ...atOnce]);
    const answeredAt = performance.now();
    expect(proxy.counts.dropped).toBeGreaterThan(proxy.counts.passed / 5);
    expect(proxy.counts.truncated).toBeGreaterThan(0);
    const told = async () => {
      const found = await allCheckIns(service.api);
      return ['good', 'bad'].map((prefix) =>
        people.map((_, n) =>
          found
            .filter(({ customerId, state }) => customerId === `${prefix}${n}` && state !== 'void')
            .map(({ state, startedAt, endedAt, checkOutReason }) => ({ state, startedAt, endedAt, checkOutReason }))
            .toSorted((a, b) => a.startedAt.localeCompare(b.startedAt)),
        ),
      );
    };
    const differ = ([one, other]: readonly unknown[]) => JSON.stringify(one) !== JSON.stringify(other);
    const hadTime = () => performance.now() - answeredAt > SETTLED_MS;
    await until('both ledgers are the same', async () => !differ(await told()) || hadTime(), 2 * SETTLED_MS);
    // What the network still holds are repetitions, of which nothing follows.
    await never('they differ again', DELAY_MS, async () => !hadTime() && differ(await told()));
    const [one, other] = await told();
    expect(other).toEqual(one);
    expect((await allCheckIns(service.api)).length).toBeGreaterThan(PEOPLE);
  }, 60_000);
});
