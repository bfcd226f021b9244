import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { expect, test } from 'vitest';
import { Service } from '../support/service.ts';
import { outcomeOf, startCommand } from './run-command.ts';

test('serve says where the pages are and what to type into an access point, but no secret', async () => {
  await using service = await Service.start({ config: { logLevel: 'silent' } });
  expect(service.log).toContain(`Pages          ${service.httpUrl}\n`);
  expect(service.log).toContain(`Port           ${service.radiusPort} UDP\n`);
  expect(service.log).toContain('Secret         the one that your configuration gives them\n');
  expect(service.log).not.toContain(service.radiusSecret);
  expect(service.log).not.toContain(service.token);
});

test.each(['SIGTERM', 'SIGINT'] as const)('%s ends serve in order, with exit code 0', async (signal) => {
  await using service = await Service.start();
  expect(await service.kill(signal)).toBe(0);
});

test('the service keeps its process when it begins again with settings for Node, and whoever set their own keeps them', async () => {
  const commandLine = (service: Service) => readFileSync(`/proc/${service.pid}/cmdline`, 'utf8').split('\0');
  await using service = await Service.start();
  expect(commandLine(service).slice(1, 4)).toEqual([
    '--max-semi-space-size=4',
    expect.stringMatching(/main\.ts$/u),
    'serve',
  ]);
  await using own = await Service.start({ env: { NODE_OPTIONS: '--max-semi-space-size=16' } });
  expect(commandLine(own).slice(1, 3)).toEqual([expect.stringMatching(/main\.ts$/u), 'serve']);
});

test('programs are told the same as one line of JSON', async () => {
  await using service = await Service.prepare({ config: { logLevel: 'silent' } });
  const child = startCommand(['serve', '--json', '--config', service.configFile]);
  const [line] = child.stdout === null ? [] : await once(child.stdout, 'data');
  expect(JSON.parse(String(line))).toMatchObject({ httpUrl: service.httpUrl, radius: [{ port: service.radiusPort }] });
  child.kill('SIGTERM');
  expect(await outcomeOf(child)).toMatchObject({ code: 0 });
});

test('a port that is taken is one sentence that says what to do', async () => {
  await using service = await Service.prepare({ config: { logLevel: 'silent' } });
  const { port, hostname } = new URL(service.httpUrl);
  await using holder = createServer().listen(Number(port), hostname);
  await once(holder, 'listening');
  const { code, stdout, stderr } = await outcomeOf(startCommand(['serve', '--config', service.configFile]));
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toMatch(
    new RegExp(`^rollcall: .* port ${port}: another process uses this port; change http.listen\n$`),
  );
});
