import { type Command, Option } from 'commander';
import { tokenRoles, type TokenRole } from '../identity/tokens.ts';
import { systemClock } from '../runtime/clock.ts';
import { UserError } from '../runtime/user-error.ts';
import { asConsole } from './console-actor.ts';
import { collect, type CommonOptions, loadFor, plainText, withCommonOptions } from './command-options.ts';
import type { CommandContext } from './context.ts';
import { openLedger } from './open-ledger.ts';

type TokenOptions = CommonOptions & {
  readonly role: TokenRole;
  readonly name: string;
  readonly space?: readonly string[];
  readonly customer?: string;
};

export function addTokenCommands(program: Command, context: CommandContext): void {
  const token = program.command('token').description('tokens for the API');
  withCommonOptions(token.command('create'))
    .description('make a token and print it, once')
    .addOption(new Option('--role <role>', 'what its holder may do').choices(tokenRoles).makeOptionMandatory())
    .requiredOption('--name <name>', 'what the token is for, shown in lists', plainText)
    .option('--space <id>', 'a space it is limited to; may be repeated', collect)
    .option('--customer <id>', 'the customer it belongs to; for the role member')
    .action((options: TokenOptions) => create(options, context));
}

async function create(options: TokenOptions, context: CommandContext): Promise<void> {
  const { config } = loadFor(context, options);
  const spaceIds = (options.space ?? []).map((id) => id.toLowerCase());
  const unknown = spaceIds.find((id) => !config.spaces.some((space) => space.id === id));
  if (unknown !== undefined)
    throw new UserError(`there is no space "${unknown}" in the configuration; name one that is`);
  if ((options.role === 'member') !== (options.customer !== undefined)) {
    throw new UserError(
      'a token of the role member, and no other, belongs to a customer; give both --role member and --customer',
    );
  }
  if ((options.role === 'kiosk' || options.role === 'reader') && spaceIds.length === 0) {
    throw new UserError(`a token of the role ${options.role} belongs to a space; add --space`);
  }
  const { createToken } = await import('../identity/tokens.ts');
  const { UnknownCustomer } = await import('../identity/errors.ts');
  await using database = await openLedger(config, context, { withKey: true });
  const input = {
    role: options.role,
    name: options.name,
    spaceIds: spaceIds.length === 0 ? undefined : spaceIds,
    customerId: options.customer?.toLowerCase(),
  };
  const { id, token } = await asConsole('token.create', () => createToken(database, systemClock, input)).catch(
    (error: unknown) => {
      if (!(error instanceof UnknownCustomer)) throw error;
      throw new UserError(`${error.message}; make the customer first, with PUT /v1/customers/${error.customerId}`);
    },
  );
  context.stdout.write(options.json === true ? `${JSON.stringify({ id, role: options.role, token })}\n` : `${token}\n`);
  if (options.json !== true && context.stdout.isTTY === true) {
    context.stderr.write(`This is shown once; only its hash is kept.\n`);
  }
}
