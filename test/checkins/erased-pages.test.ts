import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import {
  beginErasure,
  forgetId,
  removeCustomer,
  anonymiseSome,
  type Erasure,
} from '../../src/checkins/erase-ledger.ts';
import { openDatabase } from '../../src/db/database.ts';
import { scrub } from '../../src/db/scrub.ts';
import { putCustomer } from '../../src/identity/customers.ts';
import { putDevice } from '../../src/identity/devices.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { Random } from '../support/random.ts';
import { crowdMac } from '../support/people.ts';
import { createRegistry, mac } from '../support/registry.ts';
import { TempDir } from '../support/temp-dir.ts';
import { textTraces, tracesIn } from '../support/traces.ts';

const people = 300;

test('no page of SQLite’s files holds a name, however often rows were moved before and after', async () => {
  await using dir = new TempDir();
  const onError = (error: Error): never => {
    throw error;
  };
  await using db = await openDatabase({ dataDir: dir.path }, { migrate: true, clock: systemClock, onError });
  const registry = createRegistry(db);
  const random = new Random(20_261_128);
  const erased = (n: number): boolean => n % 7 === 0;
  const put = (n: number, version: string) => {
    const mark = `${erased(n) ? 'Wanderer' : 'Settler'}-${n}-${version}`;
    const padding = 'x'.repeat(Math.floor(random.next() * 120));
    return putCustomer(registry, `c-${n}`, {
      name: `${mark} ${padding}`.trim(),
      email: `${mark}@example.org`,
      identities: [`id-${mark}`, `${padding}-${mark}`],
    });
  };
  const order = random.shuffled(Array.from({ length: people }, (_, n) => n));
  for (const n of order) await put(n, 'a');
  for (const n of order)
    await putDevice(registry, mac(crowdMac(n)), { customerId: `c-${n}`, name: `Wanderer of ${n}` });
  await scrub(db, []);
  for (const n of order.filter((each) => each % 2 === 0)) await put(n, 'bcdefghij'.slice(0, 1 + (n % 9)));
  for (const n of order.filter(erased)) {
    const erasure = (await beginErasure(registry, `c-${n}`)) as Erasure;
    await anonymiseSome(db, erasure);
    await removeCustomer(registry, erasure);
    await forgetId(registry, erasure);
  }
  await db.write.updateTable('devices').set({ name: null }).execute();
  await scrub(db, []);
  const found = readdirSync(dir.path).flatMap((name) =>
    tracesIn(readFileSync(join(dir.path, name)), textTraces('Wanderer', 'Settler')).map((trace) => `${name}: ${trace}`),
  );
  expect(found).toEqual(['ledger.sqlite: Settler']);
});
