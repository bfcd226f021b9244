import type { Command } from 'commander';
import { byItself } from '../runtime/actor.ts';
import { type CommonOptions, positiveNumber, withCommonOptions } from './command-options.ts';
import type { CommandContext } from './context.ts';

type DemoOptions = CommonOptions & { readonly speed: number };

export function addDemoCommand(program: Command, context: CommandContext): void {
  withCommonOptions(program.command('demo'))
    .description('run a simulated venue that sends real RADIUS packets, with a service and a folder of its own')
    .option('--speed <factor>', 'how many times faster than life its day passes', positiveNumber, 60)
    .action((options: DemoOptions) => demo(options, context));
}

async function demo(options: DemoOptions, context: CommandContext): Promise<void> {
  const { runDemo } = await import('../demo/run-demo.ts');
  const signal = context.stopSignal();
  await byItself(() => runDemo({ speed: options.speed, output: context.stdout, env: context.environment, signal }));
}
