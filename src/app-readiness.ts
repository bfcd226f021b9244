import type { Recorder } from './checkins/recorder.ts';
import type { Database } from './db/database.ts';
import type { Readiness } from './http/routes/health.ts';
import { shardKeys } from './presence/keys.ts';
import type { PresenceTimers } from './presence/timers.ts';
import type { Redis } from './redis/connect.ts';
import { durabilityWarning, readDurability } from './redis/durability.ts';
import { replicated, replicationWarning } from './redis/replication.ts';
import type { Clock } from './runtime/clock.ts';
import { withDeadline } from './runtime/deadline.ts';

/** Whoever asks has a time limit of their own, often a few seconds. */
const patienceMs = 1_500;

export type ReadinessPorts = {
  readonly db: Database;
  readonly redis: Redis;
  readonly shards: number;
  readonly timers: Pick<PresenceTimers, 'isFailing'>;
  readonly recorders: readonly Pick<Recorder, 'isFailing'>[];
  readonly maxBacklog: number;
};

/** Anybody may ask as often as they like, and each answer costs a write that is synced: those who ask together share one. */
const sharedForMs = 250;

export function createReadiness(ports: ReadinessPorts, clock: Clock): () => Promise<Readiness> {
  let askedAt = -Infinity;
  let answer: Promise<Readiness> | undefined;
  return async () => {
    const now = clock.monotonic();
    if (answer === undefined || now - askedAt >= sharedForMs) {
      askedAt = now;
      answer = readiness(ports, clock);
    }
    return await answer;
  };
}

/**
 * Why what happens now is not recorded, one sentence each, and which promise is weaker than it should be. The servers are
 * asked to do what they are needed for, and so are those who work with them: a full disk answers pings.
 */
async function readiness(ports: ReadinessPorts, clock: Clock): Promise<Readiness> {
  const { db, redis, shards, timers, recorders, maxBacklog } = ports;
  const key = shardKeys(0).probe;
  const [database, lengths, probe, durability, replication] = await Promise.allSettled([
    withDeadline(patienceMs, db.ping()),
    withDeadline(patienceMs, streamLengths(redis, shards)),
    withDeadline(
      patienceMs,
      replicated(redis, key, clock, () => redis.set(key, 'written', 'PX', 60_000)),
    ),
    withDeadline(patienceMs, readDurability(redis, key)),
    withDeadline(patienceMs, replicationWarning(redis, key)),
  ]);
  const reasons: string[] = [];
  const warnings: string[] = [];
  const pending = lengths.status === 'fulfilled' ? lengths.value.pending : 0;
  const waiting = pending > 0 ? `; ${pending} transitions wait` : '';
  if (lengths.status === 'rejected') reasons.push('Redis does not answer, so nothing is acknowledged');
  else if (pending >= maxBacklog) reasons.push(`nothing is acknowledged until the database has caught up${waiting}`);
  else if (probe.status === 'rejected')
    reasons.push(`Redis takes no writes, so nothing is acknowledged: ${told(probe.reason)}`);
  else if (!probe.value[1]) reasons.push('no replica of Redis confirms what is written, so nothing is acknowledged');
  else if (timers.isFailing) reasons.push('due departures cannot be looked for in Redis');
  if (database.status === 'rejected')
    reasons.push(`the database does not answer, so check-ins are not recorded yet${waiting}`);
  else if (lengths.status === 'fulfilled' && recorders.some((recorder) => recorder.isFailing)) {
    reasons.push(`the database does not record check-ins${waiting}; the log says why`);
  }
  if (lengths.status === 'fulfilled') {
    const weaker = durability.status === 'fulfilled' ? durabilityWarning(durability.value) : undefined;
    if (weaker !== undefined) warnings.push(weaker);
    if (replication.status === 'fulfilled' && replication.value !== undefined) warnings.push(replication.value);
    if (lengths.value.refused > 0) {
      warnings.push(
        `${lengths.value.refused} transitions were refused by the database and are set aside; the log says why`,
      );
    }
  }
  return { reasons, warnings };
}

async function streamLengths(
  redis: Redis,
  shards: number,
): Promise<{ readonly pending: number; readonly refused: number }> {
  let pending = 0;
  let refused = 0;
  for (let shard = 0; shard < shards; shard += 1) {
    const keys = shardKeys(shard);
    pending += await redis.xlen(keys.transitions);
    refused += await redis.llen(keys.refused);
  }
  return { pending, refused };
}

/** The server's own words (`OOM command not allowed…`, `READONLY You can't write…`); they hold no value of ours. */
function told(error: unknown): string {
  return error instanceof Error ? error.message.replace(/ script: .*$/u, '') : String(error);
}
