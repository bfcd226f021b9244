import { describe, expect, test } from 'vitest';
import { exportDevices } from '../../src/identity/bulk/export-devices.ts';
import { importDevices } from '../../src/identity/bulk/import-devices.ts';
import { describeError, ImportRefused, type Report } from '../../src/identity/bulk/report.ts';
import { putCustomer } from '../../src/identity/customers.ts';
import { deleteDevice, getDevice, putDevice } from '../../src/identity/devices.ts';
import type { Registry } from '../../src/identity/registry.ts';
import { databaseKinds, useDatabases } from '../support/databases.ts';
import { createRegistry, mac } from '../support/registry.ts';

const file = 'mac,customerId,name,class\n00-00-5E-00-53-01,mia,Phone,phone\n00005e005302,NOAH,"Laptop, grey",\n';

async function* bytesOf(content: string | Uint8Array) {
  yield typeof content === 'string' ? Buffer.from(content) : content;
}

function run(registry: Registry, content: string | Uint8Array, dryRun = false): Promise<Report> {
  return importDevices(registry, bytesOf(content), { dryRun, mostBytes: 1024 * 1024 });
}

/** What the report says of a file, whether it was refused or not. */
async function reportOf(registry: Registry, content: string | Uint8Array): Promise<Report> {
  return await run(registry, content).catch((error: unknown) => {
    if (error instanceof ImportRefused) return error.report;
    throw error;
  });
}

function counts({ created, updated, unchanged, failed }: Report) {
  return [created, updated, unchanged, failed];
}

describe.each(databaseKinds)('an import on %s', (kind) => {
  const databases = useDatabases(kind);
  const open = async (quota?: number): Promise<Registry> => {
    const registry = { ...createRegistry(await databases.open()), quota };
    for (const id of ['mia', 'noah']) await putCustomer(registry, id, { name: id });
    return registry;
  };
  const changesOf = async ({ db }: Registry) =>
    await db.read.selectFrom('changes').select(['kind', 'key']).where('kind', 'in', ['device', 'address']).execute();

  test('registers every row, and the same file again changes nothing', async () => {
    const registry = await open();
    expect(await run(registry, file)).toEqual({
      dryRun: false,
      rows: 2,
      created: 2,
      updated: 0,
      unchanged: 0,
      failed: 0,
      errors: [],
      errorsLeftOut: 0,
    });
    const laptop = await getDevice(registry, mac('00-00-5E-00-53-02'));
    expect(laptop).toMatchObject({ customerId: 'noah', name: 'Laptop, grey', class: null });
    const changes = await changesOf(registry);
    expect(changes.filter((change) => change.key === laptop?.id)).toEqual([{ kind: 'device', key: laptop?.id }]);
    expect(changes.filter((change) => change.kind === 'address')).toHaveLength(2);
    expect(counts(await run(registry, file))).toEqual([0, 0, 2, 0]);
    expect(await changesOf(registry)).toHaveLength(changes.length);
  });

  test('a row changes what it says of a device, and an empty cell changes nothing', async () => {
    const registry = await open();
    await run(registry, file);
    const again = 'class;MAC;customer id;name\nwatch;0000.5e00.5301;mia;\n;00:00:5e:00:53:02;noah;\n';
    expect(counts(await run(registry, again))).toEqual([0, 1, 1, 0]);
    expect(await getDevice(registry, mac('00-00-5E-00-53-01'))).toMatchObject({ name: 'Phone', class: 'watch' });
  });

  test('a dry run says the same and writes nothing', async () => {
    const registry = await open();
    expect(await run(registry, file, true)).toMatchObject({ dryRun: true, created: 2, failed: 0 });
    expect(await getDevice(registry, mac('00-00-5E-00-53-01'))).toBeUndefined();
    const bad = await run(registry, `${file}00-00-5E-00-53-03,zoe,,\n`, true);
    expect(bad).toMatchObject({ rows: 3, created: 2, failed: 1, errors: [{ place: 4, code: 'unknownCustomer' }] });
  });

  test('one bad row keeps all of them out', async () => {
    const registry = await open();
    await putDevice(registry, mac('00-00-5E-00-53-03'), { customerId: 'noah' });
    const importing = run(registry, `${file}00-00-5E-00-53-03,mia,,\n00-00-5E-00-53-04,zoe,,\n`);
    await expect(importing).rejects.toMatchObject({
      message:
        'nothing was registered, because of 2 mistakes, of which the first is line 4, mac: is registered to another customer; forget it there first',
    });
    expect(await getDevice(registry, mac('00-00-5E-00-53-01'))).toBeUndefined();
  });

  test('the same row twice is one device, and two rows that differ are a mistake', async () => {
    const registry = await open();
    expect(counts(await run(registry, `${file}00:00:5e:00:53:01,Mia,Phone,Phone\n`))).toEqual([2, 0, 1, 0]);
    const { errors } = await reportOf(registry, `${file}00-00-5E-00-53-01,noah,Phone,phone\n`);
    expect(errors.map((error) => describeError(error, 'line'))).toEqual([
      'line 4, mac: stands in line 2 too, which says otherwise',
    ]);
  });

  test('an address that its device has left is registered anew', async () => {
    const registry = await open();
    await putDevice(registry, mac('00-00-5E-00-53-01'), { customerId: 'noah' });
    await registry.db.write.updateTable('device_addresses').set({ retired_at: 1 }).execute();
    expect(counts(await run(registry, file))).toEqual([2, 0, 0, 0]);
    expect((await getDevice(registry, mac('00-00-5E-00-53-01')))?.customerId).toBe('mia');
  });

  test('what changes in the registry while an import is at work counts', async () => {
    const registry = await open();
    // The registry is read for the last time before the transaction when the first seals are made.
    let meddled: Promise<unknown> | undefined;
    const importing = importDevices(registry, bytesOf(file), {
      dryRun: false,
      mostBytes: 1e6,
      onProgress: ({ step, done, of }) => {
        if (step !== 'comparing' || done !== of) return;
        meddled ??= putDevice(registry, mac('00-00-5E-00-53-01'), { customerId: 'noah' });
      },
    });
    await expect(importing).rejects.toMatchObject({ report: { errors: [{ place: 2, code: 'deviceTaken' }] } });
    await meddled;
    await deleteDevice(registry, mac('00-00-5E-00-53-01'));
    expect(counts(await run(registry, file))).toEqual([2, 0, 0, 0]);
  });

  test('nobody gets more devices than the quota allows', async () => {
    const registry = await open(2);
    await putDevice(registry, mac('00-00-5E-00-53-01'), { customerId: 'mia', name: 'Phone', class: 'phone' });
    const { errors, ...report } = await reportOf(registry, `${file}00-00-5E-00-53-03,mia,,\n00-00-5E-00-53-04,mia,,\n`);
    expect(counts({ ...report, errors })).toEqual([2, 0, 1, 1]);
    expect(errors).toMatchObject([{ place: 5, column: 'customerId', code: 'deviceQuotaReached' }]);
  });

  test('an export that is imported again changes nothing, whatever the devices are called', async () => {
    const registry = await open();
    const names = [
      '=HYPERLINK("http://192.0.2.1/")',
      '+1',
      '-2',
      '@x',
      "'=1",
      "''+1",
      "'quoted'",
      'a,b;c',
      '15" x',
      '＝1',
      '<b>\u200D\uFFFD',
    ];
    for (const [index, name] of names.entries()) {
      await putDevice(registry, mac(`02-00-5E-00-53-${(index + 16).toString(16)}`), { customerId: 'mia', name });
    }
    let text = '';
    for await (const part of exportDevices(registry, { show: (address) => address })) text += part;
    expect(text.split('\r\n')[0]).toBe('mac,customerId,name,class,id,random,vendor,createdAt');
    // No cell begins with what a spreadsheet would run.
    expect(text).not.toMatch(/(^|[,\n])"?[=+\-@\uFF1D]/);
    expect(counts(await run(registry, text))).toEqual([0, 0, names.length, 0]);
    expect(counts(await run(registry, text.replace("'=HYPERLINK", "'=OTHER")))).toEqual([0, 1, names.length - 1, 0]);
  });

  test('of thousands of mistakes the first thousand are told, and the rest counted', async () => {
    const registry = await open();
    const report = await reportOf(registry, `mac,customerId\n${'x,y\n'.repeat(3_000)}`);
    expect(report).toMatchObject({ rows: 3_000, failed: 3_000, errorsLeftOut: 2_000 });
    expect(report.errors.at(-1)?.place).toBe(1_001);
  });
});
