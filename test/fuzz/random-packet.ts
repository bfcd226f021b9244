import { hash } from 'node:crypto';
import type { Attribute } from '../../src/protocols/radius/attribute.ts';
import { encodeAccountingRequest } from '../../src/protocols/radius/encode-request.ts';
import { Random } from '../support/random.ts';

/** Whole numbers from 0 up to `below` that the same seed gives again. */
export function createRandom(seed: number): (below: number) => number {
  const random = new Random(seed);
  return (below) => random.between(0, below - 1);
}

type Below = ReturnType<typeof createRandom>;

/** Makes packets out of a corpus: mutated and signed again, so that they get past the authenticator, or plain noise. */
export class PacketMaker {
  readonly #random: Below;
  readonly #corpus: readonly Buffer[];
  readonly #secret: Buffer;

  constructor(corpus: readonly (readonly Attribute[])[], secret: Buffer, random: Below) {
    this.#random = random;
    this.#secret = secret;
    this.#corpus = corpus.map((attributes) =>
      encodeAccountingRequest({ identifier: 1, attributes, secret, messageAuthenticator: random(4) === 0 }),
    );
  }

  next(): Buffer {
    switch (this.#random(16)) {
      case 0:
        return this.#noise(this.#random(4200));
      case 1:
        return this.#sign(Buffer.concat([Buffer.of(4, 1, 0, 0), Buffer.alloc(16), this.#noise(this.#random(4076))]));
      case 2:
        return this.#pick().subarray(0, this.#random(60));
      default:
        return this.#mutated();
    }
  }

  #mutated(): Buffer {
    let packet: Buffer = Buffer.from(this.#pick());
    for (let changes = this.#random(4); changes >= 0; changes -= 1) packet = this.#change(packet);
    return this.#random(8) === 0 ? packet : this.#sign(packet);
  }

  /** Mostly keeps attributes whole, so that most packets reach what is behind the format. */
  #change(packet: Buffer): Buffer {
    const at = this.#attribute(packet);
    const end = Math.min(packet.length, at + Math.max(2, packet[at + 1] ?? 2));
    switch (this.#random(10)) {
      case 0:
        packet[this.#random(packet.length)] = this.#random(256);
        return packet;
      case 1:
        // The values that lengths break at.
        packet[at + 1] = [0, 1, 2, 3, 6, 8, 18, 127, 128, 254, 255][this.#random(11)]!;
        return packet;
      case 2:
        return packet.subarray(0, at + this.#random(3));
      case 3:
        return splice(packet, end, end, this.#pick().subarray(20));
      case 4:
        packet[at] = this.#random(2) === 0 ? 26 : this.#random(256);
        return packet;
      case 5: {
        const length = this.#random(254);
        return splice(packet, at, at, Buffer.concat([Buffer.of(this.#random(256), length + 2), this.#noise(length)]));
      }
      case 6:
        return splice(packet, at, end, Buffer.alloc(0));
      case 7:
        packet.fill([0, 0xff, 0x2d, 0x3a, 0x2f][this.#random(5)]!, Math.min(at + 2, end), end);
        return packet;
      default:
        for (let i = at + 2; i < end; i += 1) if (this.#random(6) === 0) packet[i]! ^= 1 << this.#random(8);
        return packet;
    }
  }

  /** Where one of the packet's attributes begins. */
  #attribute(packet: Buffer): number {
    let at = 20;
    for (let steps = this.#random(16); steps > 0; steps -= 1) {
      const next = at + Math.max(2, packet[at + 1] ?? 2);
      if (next + 2 > packet.length) break;
      at = next;
    }
    return Math.min(at, packet.length);
  }

  #sign(packet: Buffer): Buffer {
    if (packet.length < 20) return packet;
    packet[0] = 4;
    packet.writeUInt16BE(Math.min(packet.length, 4095), 2);
    packet.fill(0, 4, 20);
    const signed = Buffer.concat([packet.subarray(0, 4095), this.#secret]);
    packet.write(hash('md5', signed, 'binary'), 4, 16, 'binary');
    return packet;
  }

  #noise(length: number): Buffer {
    const noise = Buffer.allocUnsafe(length);
    for (let i = 0; i < length; i += 1) noise[i] = this.#random(256);
    return noise;
  }

  #pick(): Buffer {
    return this.#corpus[this.#random(this.#corpus.length)]!;
  }
}

function splice(packet: Buffer, from: number, to: number, insert: Buffer): Buffer {
  return Buffer.concat([packet.subarray(0, from), insert, packet.subarray(to)]).subarray(0, 4095);
}
