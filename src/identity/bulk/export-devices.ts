import { stringify } from 'csv-stringify/sync';
import { isLocallyAdministered, type MacAddress } from '../../observation/mac-address.ts';
import { vendorOf } from '../../observation/vendor.ts';
import { listDevices, type Device } from '../devices.ts';
import type { Registry } from '../registry.ts';
import { exportedColumns } from './csv-header.ts';
import { escapeFormula } from './formula.ts';

/** A page takes some milliseconds, after which others have their turn. */
const devicesPerPage = 500;

export type ExportOptions = {
  readonly customerId?: string | undefined;
  /** How an address is shown. */
  readonly show: (mac: MacAddress) => string;
};

/**
 * All devices as CSV (RFC 4180), page by page in the order of their ids; what an import reads stands in front. Imported
 * again, it changes nothing.
 */
export async function* exportDevices(registry: Registry, { customerId, show }: ExportOptions): AsyncGenerator<string> {
  let rows: (readonly string[])[] = [exportedColumns];
  for (let after: string | undefined; ;) {
    const devices = await listDevices(registry, { limit: devicesPerPage, after, customerId });
    rows.push(...devices.map((device) => toCells(device, show)));
    if (rows.length > 0) yield toCsv(rows);
    if (devices.length < devicesPerPage) return;
    after = devices.at(-1)?.id;
    rows = [];
  }
}

function toCells(device: Device, show: ExportOptions['show']): readonly string[] {
  const cells: Readonly<Record<(typeof exportedColumns)[number], string>> = {
    mac: show(device.mac),
    customerId: device.customerId,
    name: device.name ?? '',
    class: device.class ?? '',
    id: device.id,
    random: String(isLocallyAdministered(device.mac)),
    vendor: vendorOf(device.mac) ?? '',
    createdAt: new Date(device.createdAt).toISOString(),
  };
  return exportedColumns.map((column) => escapeFormula(cells[column]));
}

function toCsv(rows: readonly (readonly string[])[]): string {
  return stringify([...rows], { record_delimiter: 'windows' });
}
