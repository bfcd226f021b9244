import { forgetCheckIns, forgetEvents, forgetRuns, forgetVisits } from './checkins/forget.ts';
import { forgetOld, type RetentionKind } from './checkins/retention.ts';
import type { Config } from './config/schema.ts';
import { forgetIdempotencyKeys } from './http/idempotency.ts';
import { forgetAudit } from './identity/audit-list.ts';
import { forgetChanges } from './identity/directory-source.ts';
import { forgetLearnedDevices } from './identity/learned-devices.ts';
import type { Registry } from './identity/registry.ts';
import { forgetTokens } from './identity/tokens.ts';
import { retentionDutyKey } from './presence/keys.ts';
import type { Redis } from './redis/connect.ts';
import { Duty } from './redis/duty.ts';
import type { Clock } from './runtime/clock.ts';
import type { Logger } from './runtime/logger.ts';
import { Loop } from './runtime/loop.ts';
import type { Metrics } from './runtime/metrics.ts';

type Base = {
  readonly config: Config;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly stack: AsyncDisposableStack;
  readonly node: string;
};

const everyMs = 3_600_000;
/** Longer than a batch takes. */
const dutyMs = 60_000;
const dayMs = 86_400_000;
/** Nodes that were away for longer load everything again. */
const keepChangesMs = dayMs;
const keepIdempotencyKeysMs = dayMs;
/** A token that is no longer good is still named in the audit log and in lists; 13 months are the longest that people compare. */
const keepTokensMs = 395 * dayMs;

/** Everything that is ever deleted because it is old. The order matters: a visit goes after its check-ins. */
export function retentionKinds(registry: Registry, { retention }: Pick<Config, 'retention'>): readonly RetentionKind[] {
  const { db } = registry;
  const kind = (name: string, keepMs: number, forget: typeof forgetRuns): RetentionKind => ({
    name,
    keepMs,
    forget: (before, limit) => forget(db, before, limit),
  });
  return [
    kind('runs', retention.runs, forgetRuns),
    kind('checkIns', retention.visits, forgetCheckIns),
    kind('visits', retention.visits, forgetVisits),
    kind('events', retention.events, forgetEvents),
    {
      name: 'learnedDevices',
      keepMs: retention.learnedDevices,
      forget: (before) => forgetLearnedDevices(registry, before),
    },
    kind('audit', retention.audit, forgetAudit),
    kind('tokens', keepTokensMs, forgetTokens),
    kind('changes', keepChangesMs, forgetChanges),
    kind('idempotencyKeys', keepIdempotencyKeysMs, forgetIdempotencyKeys),
  ];
}

/** Deletes what is old, every hour, on one node. */
export function keepRetention(
  { config, clock, log, metrics, stack, node }: Base,
  registry: Registry,
  redis: Redis,
): void {
  const ports = {
    kinds: retentionKinds(registry, config),
    duty: new Duty(redis, retentionDutyKey, node, dutyMs),
    clock,
    onForgotten: (kind: string, count: number) => metrics.retentionDeleted.inc({ kind }, count),
  };
  stack.use(
    new Loop({
      run: (signal) => forgetOld(ports, signal),
      everyMs,
      backoff: { firstMs: 60_000, mostMs: everyMs },
      onError: (err, failures) => {
        if (failures === 1) log.warn({ err }, 'some of what is old cannot be deleted; trying again');
      },
    }),
  );
}
