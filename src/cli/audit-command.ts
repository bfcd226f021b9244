import { type Command, InvalidArgumentError } from 'commander';
import { UserError } from '../runtime/user-error.ts';
import { type CommonOptions, loadFor, withCommonOptions } from './command-options.ts';
import type { CommandContext } from './context.ts';
import { openLedger } from './open-ledger.ts';

type Noted = { readonly sequence: number; readonly hash: string };
type VerifyOptions = CommonOptions & { readonly expect?: Noted };

export function addAuditCommands(program: Command, context: CommandContext): void {
  const audit = program.command('audit').description('the log of who changed or looked up what');
  withCommonOptions(audit.command('verify'))
    .description('check that no line of the audit log was changed or removed')
    .option('--expect <line>', 'a line that was noted earlier, as this command prints it: SEQUENCE:HASH', noted)
    .action((options: VerifyOptions) => verify(options, context));
}

function noted(value: string): Noted {
  const [, sequence, hash] = /^(\d{1,15}):([\w-]{43})$/.exec(value) ?? [];
  if (sequence === undefined || hash === undefined) throw new InvalidArgumentError('It must be SEQUENCE:HASH.');
  return { sequence: Number(sequence), hash };
}

async function verify(options: VerifyOptions, context: CommandContext): Promise<void> {
  const { config } = loadFor(context, options);
  const { verifyAudit } = await import('../db/audit-chain.ts');
  await using db = await openLedger(config, context, { withKey: true });
  const { stdout, stderr } = context;
  const isWatched = stderr.isTTY === true;
  const { lines, last, broken } = await verifyAudit({
    db: db.read,
    sign: db.audit.keys.sign,
    expected: options.expect,
    onProgress: (done, of) => void (isWatched && stderr.write(`\r${done} of ${of} lines`)),
  });
  if (isWatched) stderr.write('\n');
  if (broken !== undefined) {
    throw new UserError(`the audit log is broken at line ${broken.sequence}: ${broken.reason}`, {
      facts: { lines, broken },
    });
  }
  stdout.write(
    options.json === true
      ? `${JSON.stringify({ lines, last })}\n`
      : `the audit log is whole: ${lines} lines; note the last one elsewhere: ${last.sequence}:${last.hash}\n`,
  );
}
