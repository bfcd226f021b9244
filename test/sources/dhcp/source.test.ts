import { rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { AddressHold } from '../../../src/observation/address-hold.ts';
import type { Observation, RecordResult } from '../../../src/observation/observation.ts';
import { systemClock } from '../../../src/runtime/clock.ts';
import { createLogger } from '../../../src/runtime/logger.ts';
import { DhcpSource } from '../../../src/sources/dhcp/source.ts';
import { TempDir } from '../../support/temp-dir.ts';
import { never, until } from '../../support/until.ts';

let dir: TempDir;
let file: string;
let source: DhcpSource;
let observations: Observation[];
let holds: AddressHold[];
let outcome: RecordResult;

beforeEach(() => {
  dir = new TempDir();
  file = join(dir.path, 'dnsmasq.leases');
  observations = [];
  holds = [];
  outcome = 'recorded';
});
afterEach(async () => {
  await source[Symbol.asyncDispose]();
  await dir[Symbol.asyncDispose]();
});

/** `poll` is long, so that what is seen at once was told by the system. */
async function start(poll = 60_000): Promise<void> {
  source = new DhcpSource(
    { id: 'leases', space: 'hq', format: 'dnsmasq', file, poll },
    {
      clock: systemClock,
      logger: createLogger({ level: 'silent' }),
      sink: {
        observe: (observation, done) => {
          observations.push(observation);
          done(outcome);
        },
      },
      addresses: { hold: (hold) => void holds.push(hold), release: () => undefined },
    },
  );
  await source.start();
}

const end = Math.floor(Date.now() / 1000) + 3_600;
const line = (tail: number, until = end) => `${until} 02:00:5e:00:53:0${tail} 192.0.2.2${tail} phone-${tail} *\n`;
const seen = () => observations.map(({ kind, ipAddress }) => `${kind} ${ipAddress}`);

test('leases that are there at the start tell who has which address, and of nobody that they are here', async () => {
  await writeFile(file, line(1) + line(2));
  await start();
  expect(source.status()).toMatchObject({ state: 'up', observations: 0 });
  expect(holds).toMatchObject([
    { sourceId: 'leases', station: '02-00-5E-00-53-01', ipAddress: '192.0.2.21', until: end * 1000 },
    { ipAddress: '192.0.2.22' },
  ]);
  expect(observations).toEqual([]);
});

test('a lease that is written into the file, or with a new file in its place, is an association at once', async () => {
  await writeFile(file, line(1));
  await start();
  await writeFile(file, line(1) + line(2));
  await until('the new lease is seen', () => observations.length === 1);
  const [{ at, ...rest }] = observations as [Observation];
  expect(Math.abs(Date.now() - at)).toBeLessThan(5_000);
  expect(rest).toEqual({
    sourceId: 'leases',
    spaceId: 'hq',
    kind: 'associated',
    station: '02-00-5E-00-53-02',
    ipAddress: '192.0.2.22',
    ipAddressUntil: end * 1000,
    hostname: 'phone-2',
  });
  await writeFile(`${file}.new`, line(1, end + 60) + line(2));
  await rename(`${file}.new`, file);
  await until('the renewal is seen', () => observations.length === 2);
  expect(seen()).toEqual(['associated 192.0.2.22', 'associated 192.0.2.21']);
  expect(source.status()).toMatchObject({ observations: 2, lastObservationAt: expect.any(Number) as number });
});

test('a lease that is given back has left, and a file that is being written has not lost anybody', async () => {
  await writeFile(file, line(1) + line(2));
  await start();
  await writeFile(file, line(1).slice(0, 20));
  await never('somebody has left', 400, () => observations.length > 0);
  await writeFile(file, line(1));
  await until('the other has left', () => observations.length > 0, 5_000);
  expect(seen()).toEqual(['left 192.0.2.22']);
});

test('without the file the source is down and says which file it misses, and it is up once the file is there', async () => {
  await start(100);
  expect(source.status()).toMatchObject({ state: 'down', problem: expect.stringContaining(`"${file}"`) as string });
  expect(source.status().problem).toMatch(
    /there is no such file; is dnsmasq running, and is this its dhcp-leasefile\?/,
  );
  await writeFile(file, line(1));
  await until('it is up', () => source.status().state === 'up');
  expect(source.status().problem).toBeUndefined();
  await rm(file);
  await until('it is down again', () => source.status().state === 'down');
  await writeFile(file, line(2));
  await until('it is up again', () => source.status().state === 'up');
  await never('what nobody saw happen is told', 300, () => observations.length > 0);
});

test('what cannot be recorded is sent again, since nobody else repeats it', async () => {
  await writeFile(file, '');
  await start(100);
  outcome = 'notRecorded';
  await writeFile(file, line(1));
  await until('it is tried', () => observations.length >= 2);
  expect(source.status()).toMatchObject({
    observations: 0,
    problem: expect.stringContaining('cannot be recorded') as string,
  });
  outcome = 'recorded';
  await until('it is recorded', () => source.status().observations === 1);
  await never('it is sent once more', 300, () => source.status().observations > 1);
  expect(source.status().problem).toBeUndefined();
});

test('a file whose leases have no end is used, and that renewals are not seen is said', async () => {
  await writeFile(file, '3600 02:00:5e:00:53:01 192.0.2.21 * *\n');
  await start();
  expect(holds).toMatchObject([{ ipAddress: '192.0.2.21' }]);
  expect(source.status()).toMatchObject({
    state: 'up',
    problem: expect.stringContaining('renewals are not seen') as string,
  });
});
