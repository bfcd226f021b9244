import type { Command } from 'commander';
import type { LoadedConfig } from '../config/load.ts';
import { formatProblem } from '../config/problem.ts';
import { radiusSources } from '../config/schema.ts';
import { byItself } from '../runtime/actor.ts';
import { systemClock } from '../runtime/clock.ts';
import { createLogger } from '../runtime/logger.ts';
import { UserError } from '../runtime/user-error.ts';
import { type CommonOptions, loadFor, withCommonOptions } from './command-options.ts';
import type { CommandContext } from './context.ts';
import { formatWelcome, welcomeJson, type WelcomeFacts } from './welcome.ts';

/** How long the service may take to answer and record what it has read, once it is asked to stop. */
const stopWithinMs = 10_000;

export function addServeCommand(program: Command, context: CommandContext): void {
  withCommonOptions(program.command('serve'))
    .description('run the service until it is stopped')
    .action((options: CommonOptions) => serve(options, context));
}

async function serve(options: CommonOptions, context: CommandContext): Promise<void> {
  const loaded = loadFor(context, options, true);
  const stop = context.stopSignal();
  const log = createLogger({ level: loaded.config.logLevel });
  for (const warning of loaded.warnings) log.warn({ path: warning.path }, formatProblem(warning));
  const { openApp } = await import('../app.ts');
  const environment = { clock: systemClock, log, radiusSecretFile: loaded.radiusSecretFile };
  const app = await byItself(() => openApp(loaded.config, environment));
  const facts: WelcomeFacts = { ...app.welcome, ...generatedSecret(loaded) };
  context.stdout.write(
    options.json === true ? `${JSON.stringify(welcomeJson(facts))}\n` : `${formatWelcome(facts, context.stdout)}\n`,
  );
  await aborted(stop);
  await disposeInTime(app);
}

/** The secret of the defaults, which nobody has chosen and so nobody knows yet. */
function generatedSecret({ config, radiusSecretFile }: LoadedConfig): Pick<WelcomeFacts, 'generatedSecret'> {
  const secret = radiusSources(config)[0]?.clients[0]?.secret;
  if (radiusSecretFile === undefined || secret === undefined) return {};
  return { generatedSecret: { secret: secret.reveal(), file: radiusSecretFile } };
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}

async function disposeInTime(app: AsyncDisposable): Promise<void> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new UserError(tooSlow)), stopWithinMs);
  try {
    await Promise.race([app[Symbol.asyncDispose](), late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

const tooSlow = `the service did not close within ${stopWithinMs / 1000} s; what was not recorded was not acknowledged either`;
