import { Cluster } from 'ioredis';
import type { Clock } from '../runtime/clock.ts';
import type { Redis, RedisServer } from './connect.ts';
import { primaryOf } from './primary.ts';
import { secondAttempts } from './script.ts';

/** How long a write waits for a replica to confirm it. Whatever else is asked over the same connection waits too. */
const confirmMs = 500;
const askEveryMs = 1_000;
/**
 * A replica that was not heard for this long is gone, and what follows is not waited for. Less would let a link that
 * breaks for a moment take away the promise, while its replica may still be the one that is promoted.
 */
const goneAfterMs = 10_000;

/**
 * Does `write`, which sends its script to the primary of `key` at once, and answers with its reply whether one of
 * the replicas holds it too: a failover loses what none of them has. Without replicas there is nothing to wait for. The
 * question travels right behind the script, so it costs no round trip of its own.
 */
export async function replicated<T>(
  redis: Redis,
  key: string,
  clock: Clock,
  write: () => Promise<T>,
): Promise<readonly [reply: T, isReplicated: boolean]> {
  const asked = primaryOf(redis, key);
  const attempts = secondAttempts(redis);
  const writing = write();
  const confirming = asked && confirm(asked, clock);
  const reply = await writing;
  const primary = primaryOf(redis, key);
  // The question must come after the script and on its connection; it came too early when the server did not know the
  // script yet, and to the wrong one when another has become primary.
  const isBehind = primary === asked && attempts === secondAttempts(redis);
  const answer = isBehind ? confirming : primary && confirm(primary, clock);
  return [reply, (await answer) ?? false];
}

/** What a cluster that has no replica for `key` may lose, and how to mend that; undefined for any other Redis. */
export async function replicationWarning(redis: Redis, key: string): Promise<string | undefined> {
  const primary = redis instanceof Cluster ? primaryOf(redis, key) : undefined;
  if (primary === undefined || attached(await primary.info('replication')).length > 0) return undefined;
  return 'the Redis Cluster has no replica of what was acknowledged and not recorded yet; attach one to each primary';
}

/** Never rejects: whatever goes wrong, nobody has confirmed. */
async function confirm(server: RedisServer, clock: Clock): Promise<boolean> {
  const replicas = replicasOf(server);
  if (replicas.isExpected(clock)) {
    const answer = hasReplica(server);
    // Pipelined, and not waited for.
    void replicas.look(clock);
    return await answer;
  }
  await replicas.look(clock);
  return replicas.isExpected(clock) ? await hasReplica(server) : true;
}

async function hasReplica(server: RedisServer): Promise<boolean> {
  return await server.wait(1, confirmMs).then(
    (count) => count >= 1,
    () => false,
  );
}

/** What is known of the replicas of one server. */
class Replicas {
  readonly #server: RedisServer;
  #askedAt = -Infinity;
  #heardAt = -Infinity;
  #asking: Promise<void> | undefined;

  constructor(server: RedisServer) {
    this.#server = server;
  }

  isExpected(clock: Clock): boolean {
    return clock.monotonic() - this.#heardAt < goneAfterMs;
  }

  /** Asks the server when the last answer is old. Those who ask meanwhile wait for the same answer. */
  async look(clock: Clock): Promise<void> {
    const now = clock.monotonic();
    if (now - this.#askedAt >= askEveryMs) {
      this.#askedAt = now;
      this.#asking = this.#ask(now);
    }
    await this.#asking;
  }

  /** A server that does not tell is taken to be as it was; one that is away refuses the write itself. */
  async #ask(now: number): Promise<void> {
    const info = await this.#server.info('replication').catch(() => '');
    for (const { lagMs } of attached(info)) this.#heardAt = Math.max(this.#heardAt, now - lagMs);
  }
}

const known = new WeakMap<RedisServer, Replicas>();

function replicasOf(server: RedisServer): Replicas {
  let replicas = known.get(server);
  if (replicas === undefined) known.set(server, (replicas = new Replicas(server)));
  return replicas;
}

/** `slave0:ip=192.0.2.1,port=6379,state=online,offset=42,lag=0`; in any other state it is still being filled. */
function attached(info: string): { readonly lagMs: number }[] {
  return [...info.matchAll(/^slave\d+:.*\bstate=online\b.*\blag=(\d+)/gm)].map(([, lag]) => ({
    lagMs: Number(lag) * 1000,
  }));
}
