import type { Command } from 'commander';
import { createReadStream, createWriteStream } from 'node:fs';
import { rename, rm, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Config } from '../config/schema.ts';
import { masterKeyFile } from '../config/paths.ts';
import type { Database } from '../db/database.ts';
import { systemClock } from '../runtime/clock.ts';
import { toTerminalText } from '../runtime/plain-text.ts';
import { UserError } from '../runtime/user-error.ts';
import type { Report } from '../identity/bulk/report.ts';
import type { Registry } from '../identity/registry.ts';
import { asConsole } from './console-actor.ts';
import { type CommonOptions, loadFor, withCommonOptions } from './command-options.ts';
import type { CommandContext } from './context.ts';
import { importJson } from './import-json.ts';
import { openLedger } from './open-ledger.ts';
import { showProgress } from './progress.ts';

const mostBytes = 64 * 1024 * 1024;

type ImportOptions = CommonOptions & { readonly dryRun?: boolean };

/** Both work beside a running service, which follows what they change as it follows other nodes. */
export function addDeviceCommands(program: Command, context: CommandContext): void {
  const devices = program.command('devices').description('register devices from a file, or write them to one');
  withCommonOptions(devices.command('import'))
    .description('register the devices of a CSV file with the columns mac, customerId, name and class; all or none')
    .argument('<file>', 'the CSV file')
    .option('--dry-run', 'only say what would be done')
    .action((file: string, options: ImportOptions) => importFile(file, options, context));
  withCommonOptions(devices.command('export'))
    .description('write all devices as CSV, with whole addresses')
    .argument('[file]', 'where to; standard output when left out')
    .action((file: string | undefined, options: CommonOptions) => exportFile(file, options, context));
}

async function importFile(name: string, options: ImportOptions, context: CommandContext): Promise<void> {
  const { config } = loadFor(context, options);
  const file = resolve(context.workingDir, name);
  const found = await stat(file);
  if (found.isDirectory()) throw new UserError(`"${name}" is a directory; name a CSV file`);
  if (found.size > mostBytes) {
    throw new UserError(
      `"${name}" is larger than ${mostBytes / 1024 / 1024} MiB; divide it, with the header in each part`,
    );
  }
  const { importDevices } = await import('../identity/bulk/import-devices.ts');
  const { ImportRefused } = await import('../identity/bulk/report.ts');
  await using database = await openLedger(config, context, { withKey: true });
  const registry = await openRegistry(config, database);
  const json = options.json === true;
  const dryRun = options.dryRun === true;
  const { show, end } = showProgress(context.stderr, json);
  let report: Report;
  try {
    const content = createReadStream(file);
    report = await asConsole('device.import', () =>
      importDevices(registry, content, { dryRun, mostBytes, onProgress: show }),
    );
  } finally {
    end();
  }
  if (report.errors.length > 0) throw new ImportRefused(report, 'line');
  context.stdout.write(json ? `${toTerminalText(JSON.stringify(importJson(report)))}\n` : `${formatReport(report)}\n`);
}

async function exportFile(name: string | undefined, options: CommonOptions, context: CommandContext): Promise<void> {
  const { config } = loadFor(context, options);
  const { exportDevices } = await import('../identity/bulk/export-devices.ts');
  await using database = await openLedger(config, context);
  const content = Readable.from(exportDevices(await openRegistry(config, database), { show: (mac) => mac }));
  if (name === undefined) {
    // A file gets what is kept, to be imported again; a terminal only shows it.
    const shown = context.stdout.isTTY === true ? content.map(toTerminalText) : content;
    await pipeline(shown, context.stdout, { end: false });
    return;
  }
  const file = resolve(context.workingDir, name);
  const draft = `${file}.${process.pid}`;
  try {
    // Whole addresses are for its owner.
    await pipeline(content, createWriteStream(draft, { mode: 0o600 }));
    await rename(draft, file);
  } finally {
    await rm(draft, { force: true });
  }
  context.stdout.write(
    options.json === true ? `${JSON.stringify({ file })}\n` : `the devices are in ${toTerminalText(file)}\n`,
  );
}

async function openRegistry(config: Config, db: Database): Promise<Registry> {
  const { AddressVault } = await import('../identity/address-vault.ts');
  const { openMasterKey } = await import('../identity/master-key.ts');
  const vault = new AddressVault(await openMasterKey(db, masterKeyFile(config)));
  return { db, clock: systemClock, vault, quota: config.devices.quota };
}

function formatReport({ dryRun, rows, created, updated, unchanged }: Report): string {
  const counts = `${rows} rows: ${created} created, ${updated} updated, ${unchanged} unchanged`;
  return dryRun ? `${counts}; nothing was written, since this is a dry run` : counts;
}
