import { connect, createServer } from 'node:net';
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { expect, test } from 'vitest';
import { createHttpServer, listen } from '../../src/http/server.ts';
import { RawStream } from './raw-stream.ts';
import { openWorld } from './world.ts';

test('closing lets a call in flight finish, ends streams, and takes no new connection', async () => {
  const entered = Promise.withResolvers<void>();
  const release = Promise.withResolvers<void>();
  await using world = await openWorld({
    ports: {
      readiness: async () => {
        entered.resolve();
        await release.promise;
        return { reasons: [], warnings: [] };
      },
    },
  });
  using stream = await RawStream.open(world.url);
  const agent = new Agent({ keepAlive: true });
  const inFlight = new Promise<{ status: number | undefined; connection: string | undefined }>((resolve, reject) => {
    const call = request(`${world.url}/readyz`, { agent }, (response) => {
      response.resume();
      response.once('end', () => resolve({ status: response.statusCode, connection: response.headers.connection }));
    });
    call.on('error', reject).end();
  });
  await entered.promise;
  const closed = world.app.close();
  // The stream ends of itself, before the call in flight does.
  await stream.ended;
  release.resolve();
  expect(await inFlight).toEqual({ status: 200, connection: 'close' });
  await closed;
  await expect(fetch(`${world.url}/livez`)).rejects.toThrow('fetch failed');
  agent.destroy();
});

test('a connection that was opened ahead and has asked nothing is not waited for', async () => {
  await using world = await openWorld();
  const { hostname, port } = new URL(world.url);
  const ahead = connect(Number(port), hostname);
  await once(ahead, 'connect');
  const ended = once(ahead, 'close');
  // One that is answered came after the other was taken in.
  await fetch(`${world.url}/livez`);
  const began = performance.now();
  await world.app.close();
  await ended;
  expect(performance.now() - began).toBeLessThan(3_000);
});

test('a port that is taken is one sentence that says what to do', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address() as { port: number };
  await using world = await openWorld();
  const app = createHttpServer(world.ports);
  await expect(listen(app, { host: '127.0.0.1', port })).rejects.toThrow(
    `cannot serve HTTP on 127.0.0.1 port ${port}: another process uses this port; change http.listen`,
  );
  await app.close();
  other.close();
});
