import type { Registry } from '../registry.ts';
import { readRows } from './csv-rows.ts';
import { readItem, type RawItem } from './item.ts';
import { registerDevices, type Progress } from './register-devices.ts';
import type { Report } from './report.ts';

/** Some 200 bytes of memory a row while an import runs. */
const mostRows = 500_000;
const mostErrors = 1_000;
const itemsPerBatch = 500;

export type ImportOptions = {
  readonly dryRun: boolean;
  /** Of the file. */
  readonly mostBytes: number;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
};

/** Registers the devices of a CSV file, all or none; see `registerDevices`. Places are lines. */
export async function importDevices(
  registry: Registry,
  content: AsyncIterable<Uint8Array>,
  { dryRun, mostBytes, onProgress }: ImportOptions,
): Promise<Report> {
  const rows = readRows(content, { mostBytes, mostRows });
  return await registerDevices(registry, rows, { dryRun, atomic: true, mostErrors, placeName: 'line', onProgress });
}

export type BatchOptions = { readonly dryRun: boolean; readonly atomic: boolean };

/** Registers the devices of a list; places are indexes, from 0. Every error is told, so that each item's fate is known. */
export async function registerBatch(
  registry: Registry,
  devices: readonly RawItem[],
  { dryRun, atomic }: BatchOptions,
): Promise<Report> {
  async function* batches() {
    for (let from = 0; from < devices.length; from += itemsPerBatch) {
      yield devices.slice(from, from + itemsPerBatch).map((raw, index) => readItem(from + index, raw));
    }
  }
  const mostErrors = devices.length;
  return await registerDevices(registry, batches(), { dryRun, atomic, mostErrors, placeName: 'device' });
}
