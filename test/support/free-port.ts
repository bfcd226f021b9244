import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';

/** Below the ephemeral range of Linux, so that no outgoing connection takes the port between the look and the use. */
const FIRST = 10_000;
const COUNT = 22_000;
let cursor = (process.pid * 97) % COUNT;

/** A port of 127.0.0.1 that is free for TCP and UDP alike. Every worker process walks from a place of its own. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < 200; tries += 1) {
    cursor = (cursor + 1) % COUNT;
    const port = FIRST + cursor;
    if ((await isTcpFree(port)) && (await isUdpFree(port))) return port;
  }
  throw new Error('no free port was found in 200 tries');
}

async function isTcpFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    return true;
  } catch {
    return false;
  } finally {
    server.close();
  }
}

async function isUdpFree(port: number): Promise<boolean> {
  const socket = createSocket('udp4');
  try {
    socket.bind(port, '127.0.0.1');
    await once(socket, 'listening');
    return true;
  } catch {
    return false;
  } finally {
    socket.close();
  }
}
