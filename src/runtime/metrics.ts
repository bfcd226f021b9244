import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

/** Every metric of the service (interface.md, Metrics). Labels hold configured names and closed sets, never user data. */
export function createMetrics() {
  const registers = [new Registry()];
  const registry = registers[0] as Registry;
  collectDefaultMetrics({ register: registry });
  const counter = <Label extends string>(
    name: string,
    help: string,
    labelNames: readonly Label[] = [],
  ): Counter<Label> => new Counter({ name: `rollcall_${name}`, help, labelNames: [...labelNames], registers });
  const gauge = <Label extends string>(name: string, help: string, labelNames: readonly Label[] = []): Gauge<Label> =>
    new Gauge({ name: `rollcall_${name}`, help, labelNames: [...labelNames], registers });

  return {
    registry,
    radiusRequests: counter('radius_requests_total', 'RADIUS packets by what became of them.', ['client', 'result']),
    observations: counter('observations_total', 'Observations by source and kind.', ['source', 'kind']),
    observationsIgnored: counter('observations_ignored_total', 'Observations that moved nothing, by reason.', [
      'reason',
    ]),
    transitionsDropped: counter(
      'transitions_dropped_total',
      'Transitions that changed nothing in the ledger, by reason.',
      ['reason'],
    ),
    transitions: counter('transitions_total', 'Arrivals and departures recorded.', ['space', 'type']),
    checkIns: counter('check_ins_total', 'Check-ins by method and result.', ['space', 'method', 'result']),
    presentCustomers: gauge('present_customers', 'Customers checked in now.', ['space']),
    sourceUp: gauge('source_up', 'Whether the source is up.', ['source']),
    timerLag: gauge('timer_lag_seconds', 'How late the latest due departure was found.'),
    transitionsPending: gauge('transitions_pending', 'Transitions that wait to be recorded in the ledger.'),
    retentionDeleted: counter('retention_deleted_total', 'Rows that were deleted because they were old.', ['kind']),
    redisRebuilds: counter('redis_rebuilds_total', 'How often presence was rebuilt from the ledger.'),
    clockSteps: counter('clock_steps_total', 'How often the clock was set by more than two seconds.'),
    recordDuration: new Histogram({
      name: 'rollcall_record_duration_seconds',
      help: 'How long a batch of observations takes to become durable.',
      buckets: [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1, 5],
      registers,
    }),
  };
}

export type Metrics = ReturnType<typeof createMetrics>;
