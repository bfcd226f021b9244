/** One request of a peer and what became of it. */
export type Exchange = {
  readonly address: string;
  readonly port: number;
  readonly identifier: number;
  /** The Request Authenticator as four numbers, which are cheap to compare and keep no buffer alive. */
  readonly authenticator: readonly [number, number, number, number];
  readonly answer: Buffer;
  /** `refused`: it could not be recorded, and stays unanswered. */
  state: 'pending' | 'answered' | 'refused';
};

/** Two generations make an entry live for one to two of these: within the 5 to 30 s of RFC 5080, section 2.2.2. */
const generationMs = 15_000;
/** With more peers and identifiers than this in one generation, entries live shorter instead of taking more memory. */
const maxExchanges = 65_536;

type Generation = Map<string, Map<number, Exchange>>;

/**
 * Recognises retransmissions: the same sender, port, identifier and authenticator (RFC 5080, section 2.2.2). A request
 * under the same identifier with another authenticator takes the place of the old one. Nothing here is needed for
 * correctness, since recording something twice has one effect; it spares the work and repeats the answer byte by byte.
 */
export class DuplicateCache {
  #current: Generation = new Map();
  #previous: Generation = new Map();
  #size = 0;
  #startedAt = Number.NEGATIVE_INFINITY;

  /** `now` is monotonic milliseconds. */
  find(address: string, port: number, packet: Buffer, now: number): Exchange | undefined {
    if (now - this.#startedAt >= generationMs) this.#rotate(now);
    const key = slotKey(port, packet[1]!);
    const exchange = this.#current.get(address)?.get(key) ?? this.#previous.get(address)?.get(key);
    return exchange !== undefined && hasAuthenticator(exchange, packet) ? exchange : undefined;
  }

  add(address: string, port: number, packet: Buffer, answer: Buffer, now: number): Exchange {
    const exchange: Exchange = {
      address,
      port,
      identifier: packet[1]!,
      authenticator: [packet.readInt32LE(4), packet.readInt32LE(8), packet.readInt32LE(12), packet.readInt32LE(16)],
      answer,
      state: 'pending',
    };
    if (this.#size >= maxExchanges) this.#rotate(now);
    let slots = this.#current.get(address);
    if (slots === undefined) this.#current.set(address, (slots = new Map()));
    const before = slots.size;
    slots.set(slotKey(port, exchange.identifier), exchange);
    this.#size += slots.size - before;
    return exchange;
  }

  /** So that the same request is taken up anew: it could not be recorded. */
  forget(exchange: Exchange): void {
    const key = slotKey(exchange.port, exchange.identifier);
    for (const generation of [this.#current, this.#previous]) {
      const slots = generation.get(exchange.address);
      if (slots?.get(key) === exchange) slots.delete(key);
    }
  }

  #rotate(now: number): void {
    // After a pause longer than two generations, the current one is too old as well.
    this.#previous = now - this.#startedAt >= 2 * generationMs ? new Map() : this.#current;
    this.#current = new Map();
    this.#size = 0;
    this.#startedAt = now;
  }
}

function slotKey(port: number, identifier: number): number {
  return (port << 8) | identifier;
}

function hasAuthenticator({ authenticator }: Exchange, packet: Buffer): boolean {
  return (
    authenticator[0] === packet.readInt32LE(4) &&
    authenticator[1] === packet.readInt32LE(8) &&
    authenticator[2] === packet.readInt32LE(12) &&
    authenticator[3] === packet.readInt32LE(16)
  );
}
