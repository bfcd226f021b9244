import assert from 'node:assert/strict';
import ipaddr from 'ipaddr.js';
import type { RadiusSourceConfig } from './config.ts';

/** A configured sender (RFC 2865, section 1.2): an address range and its shared secret. */
export type RadiusClient = {
  /** The configured range: the label of its metrics. */
  readonly label: string;
  readonly spaceId: string;
  /** The current secret first; a second one during a change. */
  readonly secrets: readonly Buffer[];
  readonly requireMessageAuthenticator: boolean;
  /** How often its access points send interims, milliseconds, where it is configured. */
  readonly reportingInterval: number | undefined;
};

/** Finds the client of an address by the longest matching range. IPv4 and IPv6 share one space of 128 bits. */
export class ClientTable {
  /** Ranges by prefix length, longest first, and by their masked address. */
  readonly #lengths: readonly { readonly length: number; readonly ranges: ReadonlyMap<string, RadiusClient> }[];

  constructor(config: Pick<RadiusSourceConfig, 'space' | 'clients'>) {
    const byLength = new Map<number, Map<string, RadiusClient>>();
    for (const client of config.clients) {
      const { address, secret, previousSecret, space, requireMessageAuthenticator, reportingInterval } = client;
      const { bits, length } = parseRange(address);
      const ranges = byLength.get(length) ?? new Map<string, RadiusClient>();
      byLength.set(length, ranges);
      assert(!ranges.has(maskedKey(bits, length)), `the address range "${address}" is given twice`);
      ranges.set(maskedKey(bits, length), {
        label: address,
        spaceId: space ?? config.space,
        secrets: [secret, previousSecret].flatMap((known) =>
          known === undefined ? [] : [Buffer.from(known.reveal())],
        ),
        requireMessageAuthenticator: requireMessageAuthenticator ?? false,
        reportingInterval,
      });
    }
    this.#lengths = [...byLength]
      .map(([length, ranges]) => ({ length, ranges }))
      .toSorted((a, b) => b.length - a.length);
  }

  find(address: string): RadiusClient | undefined {
    const bits = parseAddress(address);
    if (bits === undefined) return undefined;
    for (const { length, ranges } of this.#lengths) {
      const client = ranges.get(maskedKey(bits, length));
      if (client !== undefined) return client;
    }
    return undefined;
  }
}

function parseRange(text: string): { readonly bits: Uint8Array; readonly length: number } {
  const [address, length] = text.split('/');
  const bits = parseAddress(address ?? '');
  assert(bits !== undefined, `"${text}" is not an address range`);
  if (length === undefined) return { bits, length: 128 };
  return { bits, length: Number(length) + (text.includes(':') ? 0 : 96) };
}

/** Sixteen bytes; an IPv4 address as `::ffff:a.b.c.d`, which is also how a socket for both families reports it. */
function parseAddress(text: string): Uint8Array | undefined {
  const zone = text.indexOf('%');
  const address = zone === -1 ? text : text.slice(0, zone);
  if (!ipaddr.isValid(address)) return undefined;
  const parsed = ipaddr.process(address);
  const bits = new Uint8Array(16);
  if (parsed.kind() === 'ipv6') {
    bits.set(parsed.toByteArray());
  } else {
    bits.fill(0xff, 10, 12);
    bits.set(parsed.toByteArray(), 12);
  }
  return bits;
}

/** The first `length` bits as text, one character per byte. */
function maskedKey(bits: Uint8Array, length: number): string {
  const whole = length >> 3;
  const rest = length & 7;
  let key = String.fromCharCode(...bits.subarray(0, whole));
  if (rest > 0) key += String.fromCharCode(bits[whole]! & (0xff00 >> rest) & 0xff);
  return key;
}
