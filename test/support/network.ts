import { execFile } from 'node:child_process';
import { chmod, writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { Child } from './child.ts';
import { TempDir } from './temp-dir.ts';

const execute = promisify(execFile);
const environment = { ...process.env, PATH: `${process.env['PATH']}:/usr/sbin:/sbin` };

export async function ip(...args: readonly string[]): Promise<string> {
  return (await execute('ip', args, { env: environment })).stdout;
}

export type Call = {
  readonly url: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** Where it comes from, for a device that has several addresses. */
  readonly localAddress?: string;
};
export type CallAnswer = { readonly status: number; readonly body: Readonly<Record<string, unknown>> };

/** A device with a network stack of its own, plugged into the network of a test. */
export class NetDevice {
  readonly mac: string;
  readonly namespace: string;
  /** What udhcpc runs; it must not touch this machine's own resolver. */
  readonly #script: string;

  constructor(namespace: string, mac: string, script: string) {
    this.namespace = namespace;
    this.mac = mac;
    this.#script = script;
  }

  async inside(command: string, ...args: readonly string[]): Promise<string> {
    const { stdout } = await execute('ip', ['netns', 'exec', this.namespace, command, ...args], { env: environment });
    return stdout;
  }

  /** Asks for an address as a phone does, and has it afterwards. */
  async askForAddress(hostname: string): Promise<string> {
    const options = ['-i', 'eth0', '-f', '-q', '-n', '-t', '5', '-T', '1', '-s', this.#script];
    await this.inside('udhcpc', ...options, '-x', `hostname:${hostname}`);
    const [eth0] = JSON.parse(await this.inside('ip', '-j', '-4', 'addr', 'show', 'dev', 'eth0')) as Interface[];
    const address = eth0?.addr_info[0]?.local;
    if (address === undefined) throw new Error(`${this.namespace} has no address`);
    return address;
  }

  /** A client that has an address until it is told to end, and then gives it back. */
  keepAddress(): Child {
    const client = ['udhcpc', '-i', 'eth0', '-f', '-R', '-n', '-t', '5', '-T', '1', '-s', this.#script];
    // In its own namespace from the start: `ip netns exec` becomes the client, so a signal reaches it.
    return new Child('ip', ['netns', 'exec', this.namespace, ...client], { env: environment });
  }

  async call({ url, method = 'GET', headers = {}, body, localAddress }: Call): Promise<CallAnswer> {
    const all = { ...headers, ...(body !== undefined && { 'content-type': 'application/json' }) };
    const quiet = ['--silent', '--show-error', '--noproxy', '*', '--max-time', '5'];
    const output = await this.inside(
      'curl',
      ...quiet,
      '--request',
      method,
      ...Object.entries(all).flatMap(([name, value]) => ['--header', `${name}: ${value}`]),
      ...(body === undefined ? [] : ['--data', JSON.stringify(body)]),
      ...(localAddress === undefined ? [] : ['--interface', localAddress]),
      '--write-out',
      '\n%{http_code}',
      url,
    );
    const end = output.lastIndexOf('\n');
    const text = output.slice(0, end);
    return { status: Number(output.slice(end)), body: text === '' ? {} : (JSON.parse(text) as CallAnswer['body']) };
  }
}

type Interface = { readonly ifname: string; readonly addr_info: readonly { readonly local: string }[] };

let networks = 0;

/**
 * A network of a test's own: a bridge of this machine, with devices on it that have network stacks of their own. Its
 * addresses are of those for documents (RFC 5737) and of no other network of this machine, and its names hold our process
 * id, so that any number of them may be there at once and what a killed run leaves behind is found.
 */
export class TestNetwork implements AsyncDisposable {
  readonly name: string;
  readonly prefix: string;
  /** Another address, which a device here may have behind a route. */
  readonly routedAddress: string;
  readonly #offset: number;
  readonly #dir: TempDir;
  readonly #namespaces: string[] = [];
  #server: Child | undefined;

  private constructor(name: string, slot: number, dir: TempDir) {
    this.name = name;
    this.prefix = '203.0.113.';
    this.#offset = slot * 16;
    this.routedAddress = `198.51.100.${this.#offset + 1}`;
    this.#dir = dir;
  }

  /** The network, or in one sentence why this machine does not let us have one. */
  static async open(): Promise<TestNetwork | string> {
    if (process.getuid?.() !== 0) return 'only root may make network namespaces';
    const name = `rcb${process.pid}${'abcdefgh'[networks % 8]}`;
    networks += 1;
    try {
      await ip('link', 'add', name, 'type', 'bridge');
      await ip('netns', 'add', `rollcall-${process.pid}-probe`);
      await ip('netns', 'del', `rollcall-${process.pid}-probe`);
    } catch (error) {
      await ip('link', 'del', name).catch(() => undefined);
      return `the kernel refuses network namespaces, bridges or veth pairs: ${(error as Error).message.trim()}`;
    }
    const dir = new TempDir();
    const first = process.pid % 16;
    for (let tries = 0; tries < 16; tries += 1) {
      const network = new TestNetwork(name, (first + tries) % 16, dir);
      if (await network.#take()) return network;
    }
    await ip('link', 'del', name);
    await dir[Symbol.asyncDispose]();
    return 'all sixteen networks for tests are in use';
  }

  /** The address with this number, from 1 to 14; this machine has the first. */
  address(number: number): string {
    return `${this.prefix}${this.#offset + number}`;
  }

  get hostAddress(): string {
    return this.address(1);
  }

  async #take(): Promise<boolean> {
    if (await this.#isTaken()) return false;
    await ip('addr', 'add', `${this.hostAddress}/28`, 'dev', this.name);
    await ip('link', 'set', this.name, 'up');
    // Another run may have taken it between the look and the use.
    if (!(await this.#isTaken())) return true;
    await ip('addr', 'flush', 'dev', this.name);
    return false;
  }

  async #isTaken(): Promise<boolean> {
    const interfaces = JSON.parse(await ip('-j', '-4', 'addr')) as Interface[];
    const others = interfaces.filter(({ ifname }) => ifname !== this.name);
    return others.some(({ addr_info: addresses }) => addresses.some(({ local }) => local === this.hostAddress));
  }

  /** A real dnsmasq that hands out the addresses 4 to 9; resolves once it does. */
  async serveAddresses(leaseFile: string): Promise<void> {
    const range = `${this.address(4)},${this.address(9)},255.255.255.240,1h`;
    const where = [`--interface=${this.name}`, '--except-interface=lo', '--bind-interfaces', '--port=0'];
    const files = ['--conf-file=/dev/null', '--pid-file=', `--dhcp-leasefile=${leaseFile}`];
    const how = ['--keep-in-foreground', '--log-facility=-', '--user=root', '--no-ping', '--dhcp-authoritative'];
    const args = ['--pdeathsig', 'KILL', 'dnsmasq', ...where, ...files, ...how, `--dhcp-range=${range}`];
    this.#server = new Child('setpriv', args, { env: environment });
    await this.#server.until('serving', () => this.#server?.log.includes('DHCP, IP range') === true);
  }

  /** With an address from the start when `number` is given. */
  async plugIn(name: string, mac: string, number?: number): Promise<NetDevice> {
    const namespace = `rollcall-${process.pid}-${name}`;
    await ip('netns', 'add', namespace);
    this.#namespaces.push(namespace);
    const port = `rcv${process.pid}${this.#namespaces.length}`;
    const address = mac.replaceAll('-', ':');
    const peer = ['peer', 'name', 'eth0', 'netns', namespace, 'address', address];
    await ip('link', 'add', port, 'type', 'veth', ...peer);
    await ip('link', 'set', port, 'master', this.name, 'up');
    const script = this.#dir.file('udhcpc-script');
    await writeFile(script, '#!/bin/sh\n[ "$1" != bound ] || ip addr add "$ip/$mask" dev "$interface"\n');
    await chmod(script, 0o755);
    const device = new NetDevice(namespace, mac, script);
    await device.inside('ip', 'link', 'set', 'lo', 'up');
    await device.inside('ip', 'link', 'set', 'eth0', 'up');
    if (number !== undefined) await device.inside('ip', 'addr', 'add', `${this.address(number)}/28`, 'dev', 'eth0');
    return device;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server?.stop();
    for (const namespace of this.#namespaces) await ip('netns', 'del', namespace).catch(() => undefined);
    await ip('link', 'del', this.name).catch(() => undefined);
    await this.#dir[Symbol.asyncDispose]();
  }
}

/** Removes the networks of processes that are gone, however they ended. */
export async function removeLeftNetworks(): Promise<void> {
  if (process.getuid?.() !== 0) return;
  const namespaces = await ip('netns', 'list').catch(() => '');
  const links = await ip('-o', 'link', 'show', 'type', 'bridge').catch(() => '');
  for (const [name, pid] of namespaces.matchAll(/^rollcall-(\d+)-[\w-]+/gm)) {
    if (!isAlive(Number(pid))) await ip('netns', 'del', name).catch(() => undefined);
  }
  for (const [, name = '', pid] of links.matchAll(/^\d+: (rcb(\d+)[a-h]):/gm)) {
    if (!isAlive(Number(pid))) await ip('link', 'del', name).catch(() => undefined);
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
