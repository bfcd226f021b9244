import { styleText } from 'node:util';
import type { ListenAddress } from '../config/listen.ts';
import { machineAddresses, reachableAddresses } from '../runtime/machine-addresses.ts';
import { toTerminalText } from '../runtime/plain-text.ts';
import type { Output } from './context.ts';

/** What someone who has just started the service needs to go on. */
export type WelcomeFacts = {
  readonly httpUrl: string;
  /** The link for the first admin, and the file (mode 0600) that holds it; only while there is no admin. */
  readonly setupLink?: string;
  readonly setupLinkFile?: string;
  readonly radius: readonly ListenAddress[];
  /** The RADIUS secret that we generated; absent when the configuration gives the secrets, whose owner knows them. */
  readonly generatedSecret?: { readonly secret: string; readonly file: string };
};

/**
 * What `serve` says once it serves. Secrets and links go to a terminal only: the output of a service ends up in a
 * journal that more people read, so there the line names the file instead.
 */
export function formatWelcome(facts: WelcomeFacts, output: Output, addresses = machineAddresses()): string {
  const terminal = output.isTTY === true;
  const paint = (style: 'bold' | 'dim' | 'cyan', text: string) => styleText(style, text, { stream: output });
  const lines = [paint('bold', 'Rollcall is running.'), '', row('Pages', paint('cyan', facts.httpUrl))];
  const link = terminal
    ? facts.setupLink
    : facts.setupLinkFile && toTerminalText(`the link is in ${facts.setupLinkFile}`);
  if (link !== undefined) lines.push(row('First sign-in', paint('cyan', link)));
  const { generatedSecret } = facts;
  const secret =
    generatedSecret &&
    (terminal ? paint('bold', generatedSecret.secret) : toTerminalText(`in ${generatedSecret.file}`));
  for (const listen of facts.radius) {
    lines.push(
      '',
      '  Type this into your access points, as the RADIUS accounting server:',
      row('Server', reachableAddresses(listen, addresses).join(paint('dim', ' or '))),
      row('Port', `${listen.port} ${paint('dim', 'UDP')}`),
      row('Secret', secret ?? 'the one that your configuration gives them'),
    );
  }
  if (terminal) lines.push('', paint('dim', '  Ctrl+C stops it.'));
  return `${lines.join('\n')}\n`;
}

function row(label: string, value: string): string {
  return `  ${label.padEnd(14)} ${value}`;
}

/** The same for programs: no secret and no link, but the files that hold them. */
export function welcomeJson(facts: WelcomeFacts, addresses = machineAddresses()) {
  return {
    httpUrl: facts.httpUrl,
    setupLinkFile: facts.setupLinkFile ?? null,
    radius: facts.radius.map((listen) => ({ servers: reachableAddresses(listen, addresses), port: listen.port })),
    radiusSecretFile: facts.generatedSecret?.file ?? null,
  };
}
