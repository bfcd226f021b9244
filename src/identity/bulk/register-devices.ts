import { setImmediate as breath } from 'node:timers/promises';
import { inRegistryTransaction } from '../../db/registry-transaction.ts';
import { lastChange } from '../directory-source.ts';
import type { Registry } from '../registry.ts';
import { isAboutRow, isItemError, type DeviceItem, type ItemError } from './item.ts';
import { planDevices, type Candidate, type Plan, type Reader } from './plan.ts';
import { ErrorList, ImportRefused, type Report } from './report.ts';
import { Seals } from './seals.ts';
import { orderSteps, writeSteps } from './write.ts';

export type RegisterOptions = {
  /** Say what would be done, and do nothing. */
  readonly dryRun: boolean;
  /** All or nothing. Otherwise what can be registered is. */
  readonly atomic: boolean;
  readonly mostErrors: number;
  /** What a place is called in a message, such as "line". */
  readonly placeName: string;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
};

/** `of` is unknown while a file is still being read. */
export type Progress = {
  readonly step: 'reading' | 'comparing' | 'sealing' | 'writing';
  readonly done: number;
  readonly of?: number;
};

/**
 * Registers many devices. Everything that takes long comes before the transaction: reading, comparing with the registry,
 * sealing. The transaction holds up whoever else writes to the registry, and so it only writes; should the registry have
 * changed meanwhile, which its counter of changes tells, it compares again first.
 *
 * Throws `ImportRefused` when it is atomic, no dry run, and something can't be registered: then nothing was.
 */
export async function registerDevices(
  registry: Registry,
  batches: AsyncIterable<readonly (DeviceItem | ItemError)[]>,
  options: RegisterOptions,
): Promise<Report> {
  const { db, clock, vault } = registry;
  const { dryRun, atomic, placeName, onProgress = () => undefined } = options;
  const collected = await collect(registry, batches, options);
  const { candidates } = collected;
  const of = candidates.length;
  const position = await lastChange(db);
  const compare = (reader: Reader) =>
    planDevices(registry, reader, candidates, new ErrorList(options.mostErrors), (done) =>
      onProgress({ step: 'comparing', done, of }),
    );
  const plan = await compare(db.read);
  const first = toReport(collected, plan, dryRun);
  if (atomic && !dryRun && first.errors.length > 0) throw new ImportRefused(first, placeName);
  if (dryRun || plan.steps.length === 0) return first;
  const seals = new Seals(vault);
  await seals.add(plan.steps, (done) => onProgress({ step: 'sealing', done, of: plan.steps.length }));
  const ordered = await orderSteps(plan.steps);
  return await inRegistryTransaction(db, clock, async (trx, note, audit) => {
    const { value } = await trx
      .selectFrom('counters')
      .select('value')
      .where('name', '=', 'changes')
      .executeTakeFirstOrThrow();
    const final = value === position ? plan : await compare(trx);
    const report = toReport(collected, final, dryRun);
    if (atomic && report.errors.length > 0) throw new ImportRefused(report, placeName);
    if (final !== plan) await seals.add(final.steps);
    const writes = final === plan ? ordered : await orderSteps(final.steps);
    // One line for all of them: the devices themselves say when they were registered.
    audit({ outcome: writes.length === 0 ? 'unchanged' : 'done' });
    await writeSteps(registry, trx, note, { writes, seals }, (done) =>
      onProgress({ step: 'writing', done, of: writes.length }),
    );
    return report;
  });
}

type Collected = {
  readonly rows: number;
  readonly candidates: readonly Candidate[];
  readonly errors: ErrorList;
  /** How many of the errors are about a row. */
  readonly failed: number;
};

/** Reads all of it. The same row twice is one row; two that say different things of one address are a mistake. */
async function collect(
  { vault }: Registry,
  batches: AsyncIterable<readonly (DeviceItem | ItemError)[]>,
  { mostErrors, placeName, onProgress = () => undefined }: RegisterOptions,
): Promise<Collected> {
  const byAddress = new Map<string, Candidate & { readonly again: number[] }>();
  const errors = new ErrorList(mostErrors);
  let rows = 0;
  let failed = 0;
  for await (const batch of batches) {
    for (const result of batch) {
      const earlier = isItemError(result) ? undefined : byAddress.get(result.mac);
      const error = isItemError(result) ? result : contradiction(result, earlier?.item, placeName);
      if (error !== undefined) {
        errors.add(error);
        if (!isAboutRow(error)) continue;
        failed += 1;
      } else if (!isItemError(result)) {
        if (earlier !== undefined) earlier.again.push(result.place);
        else byAddress.set(result.mac, { item: result, hash: vault.hash(result.mac), again: [] });
      }
      rows += 1;
    }
    onProgress({ step: 'reading', done: rows });
    await breath();
  }
  return { rows, candidates: [...byAddress.values()], errors, failed };
}

function contradiction(item: DeviceItem, earlier: DeviceItem | undefined, placeName: string): ItemError | undefined {
  if (earlier === undefined) return undefined;
  if (item.customerId === earlier.customerId && item.name === earlier.name && item.class === earlier.class)
    return undefined;
  const message = `stands in ${placeName} ${earlier.place} too, which says otherwise`;
  return { place: item.place, column: 'mac', code: 'contradiction', message };
}

function toReport(
  { rows, errors, failed }: Collected,
  { steps, unchanged, errors: more }: Plan,
  dryRun: boolean,
): Report {
  const created = steps.filter(({ kind }) => kind === 'create').length;
  const updated = steps.length - created;
  return { dryRun, rows, created, updated, unchanged, failed: failed + more.count, ...errors.with(more) };
}
