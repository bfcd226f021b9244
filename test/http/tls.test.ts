import { execFile } from 'node:child_process';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { until } from '../support/until.ts';
import { openWorld, type World } from './world.ts';

const run = promisify(execFile);
let dir: string;
let tls: { readonly certFile: string; readonly keyFile: string };
let world: World;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'rollcall-tls-'));
  tls = { certFile: join(dir, 'cert.pem'), keyFile: join(dir, 'key.pem') };
  await certify('first.example');
  world = await openWorld({ options: { tls } });
});
afterAll(async () => {
  await world[Symbol.asyncDispose]();
  await rm(dir, { recursive: true });
});

/** A certificate of the name, moved into place as renewing tools do. */
async function certify(name: string): Promise<void> {
  const fresh = { cert: join(dir, 'fresh-cert.pem'), key: join(dir, 'fresh-key.pem') };
  const subject = ['-subj', `/CN=${name}`, '-days', '2'];
  const files = ['-keyout', fresh.key, '-out', fresh.cert];
  await run('openssl', [
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    ...subject,
    ...files,
  ]);
  await rename(fresh.cert, tls.certFile);
  await rename(fresh.key, tls.keyFile);
}

type Seen = { readonly status: number | undefined; readonly name: string; readonly hsts: string | undefined };

function look(): Promise<Seen> {
  return new Promise((resolve, reject) => {
    const call = request(`${world.url}/livez`, { rejectUnauthorized: false, agent: false }, (response) => {
      const { subject } = (response.socket as TLSSocket).getPeerCertificate();
      response.resume();
      const hsts = response.headers['strict-transport-security'];
      resolve({ status: response.statusCode, name: String(subject.CN), hsts });
    });
    call.on('error', reject).end();
  });
}

test('it serves HTTPS, and tells browsers to stay with it', async () => {
  expect(await look()).toEqual({ status: 200, name: 'first.example', hsts: 'max-age=31536000' });
});

test('a renewed certificate is served without a restart', async () => {
  await certify('second.example');
  await until('the new certificate is served', async () => (await look()).name === 'second.example');
  expect((await look()).status).toBe(200);
});

test('a renewal that went wrong leaves the last good certificate in use', async () => {
  await writeFile(tls.certFile, 'this is not a certificate');
  await until('the trouble is logged', () => world.log().includes('the last good one stays in use'));
  expect((await look()).name).toBe('second.example');
  await certify('third.example');
  await until('the repaired certificate is served', async () => (await look()).name === 'third.example');
});

test('a certificate that cannot be used is one sentence at start', async () => {
  const broken = { ...tls, certFile: join(dir, 'nothing-here.pem') };
  await expect(openWorld({ options: { tls: broken } })).rejects.toThrow(/^cannot serve HTTPS with .*nothing-here\.pem/);
});
