import { afterAll, describe, expect, test } from 'vitest';
import { allCheckIns } from '../support/check-ins.ts';
import { Nas } from '../support/nas.ts';
import { crowdMac, registerPeople } from '../support/people.ts';
import { PostgresServer } from '../support/postgres.ts';
import { Service } from '../support/service.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';
import { until } from '../support/until.ts';

const PEOPLE = 20;
const WAVES = process.env['ROLLCALL_TEST_ALL'] === undefined ? 3 : 12;
const OPEN_LONG_MS = 30_000;

const opened = new AsyncDisposableStack();
afterAll(() => opened.disposeAsync());

/**
 * Everybody comes once, in waves, with the fault at work during each; in the end they are all in, and each event is told once.
 * Resolves with how many are in.
 */
async function comeInWaves(databaseUrl: string, duringWave: (wave: number, starts: Promise<unknown>) => Promise<void>) {
  const service = opened.use(await Service.start({ spaces: [{ id: 'main', idleTimeout: '30m' }], databaseUrl }));
  const people = Array.from({ length: WAVES * PEOPLE }, (_, n) => ({ id: `c${n}`, mac: crowdMac(n) }));
  await registerPeople(service.api, people);
  const nas = opened.use(await Nas.open({ port: service.radiusPort, secret: service.radiusSecret }));
  for (let wave = 0; wave < WAVES; wave += 1) {
    const comers = people.slice(wave * PEOPLE, (wave + 1) * PEOPLE);
    await duringWave(wave, Promise.all(comers.map(({ mac }) => nas.session({ mac }).start())));
  }
  const ids = people.map(({ id }) => id).toSorted();
  const checkIns = await until(
    'all of them are in the ledger',
    async () => {
      const found = await allCheckIns(service.api).catch(() => []);
      return found.length >= ids.length && found;
    },
    OPEN_LONG_MS,
  );
  expect(checkIns.map(({ customerId }) => customerId).toSorted()).toEqual(ids);
  expect(checkIns.every(({ state }) => state === 'open')).toBe(true);
  const feed = opened.use(await service.sse(0));
  for (const id of ids) await feed.next('checkin.recorded', id, OPEN_LONG_MS);
  expect(feed.events.map(({ sequence }) => sequence)).toEqual(feed.events.map((_, index) => index + 1));
  expect(feed.events.filter(({ type }) => type === 'checkin.recorded')).toHaveLength(ids.length);
  expect(feed.events.filter(({ type }) => type === 'presence.arrived')).toHaveLength(ids.length);
  await until('it is ready', () => service.isReady());
  expect(await service.metric('rollcall_transitions_pending')).toBe(0);
  expect(service.log).not.toMatch(/unhandled|uncaught/i);
  return checkIns.length;
}

describe.concurrent('T12: PostgreSQL during commits', () => {
  test('T12: restarted under load, it has every arrival exactly once', async () => {
    const postgres = opened.use(await PostgresServer.start());
    const arrived = await comeInWaves(await postgres.createDatabase(), async (wave, starts) => {
      await postgres.stop(wave % 2 === 0 ? 'SIGINT' : 'SIGQUIT');
      await postgres.resume();
      await starts;
    });
    expect(arrived).toBe(WAVES * PEOPLE);
  }, 120_000);

  test('T12: with connections cut after COMMIT was carried out and before that was told, each arrival is there once', async () => {
    const postgres = opened.use(await PostgresServer.start());
    const url = new URL(await postgres.createDatabase());
    const line = opened.use(await TcpProxy.open({ to: postgres.port, seed: 12 }));
    url.port = String(line.port);
    const arrived = await comeInWaves(url.href, async (_wave, starts) => {
      const enough = line.cuts + 2;
      line.cutAfter('commit');
      await starts;
      // What was committed unheard is tried again, and is committed unheard again.
      await until('commits were cut off', () => line.cuts >= enough, OPEN_LONG_MS);
      line.heal();
    });
    expect(arrived).toBe(WAVES * PEOPLE);
    expect(line.cuts).toBeGreaterThanOrEqual(2 * WAVES);
  }, 120_000);

  test('T12: with connections cut in the middle of a statement, each arrival is there once', async () => {
    const postgres = opened.use(await PostgresServer.start());
    const url = new URL(await postgres.createDatabase());
    const line = opened.use(await TcpProxy.open({ to: postgres.port, seed: 14 }));
    url.port = String(line.port);
    const arrived = await comeInWaves(url.href, async (wave, starts) => {
      const enough = line.cuts + 2;
      // More with each wave, so that the cut falls at another place of the transaction.
      line.cutAfterBytes(700 + 900 * wave);
      await starts;
      await until('statements were cut off', () => line.cuts >= enough, OPEN_LONG_MS);
      line.heal();
    });
    expect(arrived).toBe(WAVES * PEOPLE);
  }, 120_000);

  test('T12: with every connection reset again and again, each arrival is there once', async () => {
    const postgres = opened.use(await PostgresServer.start());
    const url = new URL(await postgres.createDatabase());
    const line = opened.use(await TcpProxy.open({ to: postgres.port, seed: 13, latencyMs: 3 }));
    url.port = String(line.port);
    const arrived = await comeInWaves(url.href, async (_wave, starts) => {
      line.reset();
      await starts;
      line.reset();
    });
    expect(arrived).toBe(WAVES * PEOPLE);
  }, 120_000);
});
