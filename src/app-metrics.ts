import { countPresent } from './checkins/gauges.ts';
import type { EventDraft } from './checkins/event.ts';
import type { Database } from './db/database.ts';
import type { Observation, ObservationDone, ObservationSink } from './observation/observation.ts';
import type { Metrics } from './runtime/metrics.ts';
import type { RadiusPorts } from './sources/radius/receiver.ts';
import type { Source } from './sources/source.ts';

/** Counts what passes on its way to `sink`. */
export function counted(sink: ObservationSink, metrics: Metrics): ObservationSink {
  const counters = new Counters((source, kind) => metrics.observations.labels({ source, kind }));
  return {
    observe(observation: Observation, done: ObservationDone): void {
      counters.get(observation.sourceId, observation.kind).inc();
      sink.observe(observation, done);
    },
  };
}

export function countRadius(metrics: Metrics): RadiusPorts['count'] {
  const counters = new Counters((client, result) => metrics.radiusRequests.labels({ client, result }));
  return (client, result) => counters.get(client, result).inc();
}

/** A metric's children by its two labels: finding one in the registry costs more than counting, with every packet. */
class Counters {
  readonly #make: (first: string, second: string) => { inc(): void };
  readonly #counters = new Map<string, Map<string, { inc(): void }>>();

  constructor(make: (first: string, second: string) => { inc(): void }) {
    this.#make = make;
  }

  get(first: string, second: string): { inc(): void } {
    let seconds = this.#counters.get(first);
    if (seconds === undefined) this.#counters.set(first, (seconds = new Map()));
    let counter = seconds.get(second);
    if (counter === undefined) seconds.set(second, (counter = this.#make(first, second)));
    return counter;
  }
}

export function countEvent(metrics: Metrics, event: EventDraft): void {
  const { type, data } = event;
  switch (type) {
    case 'presence.arrived':
    case 'presence.departed':
      metrics.transitions.inc({ space: data.spaceId, type: type === 'presence.arrived' ? 'arrived' : 'departed' });
      return;
    case 'checkin.recorded':
    case 'checkin.failed':
      metrics.checkIns.inc({
        space: data.spaceId,
        method: data.method,
        result: type === 'checkin.recorded' ? 'recorded' : 'failed',
      });
      return;
    case 'clock.stepped':
      metrics.clockSteps.inc();
      return;
    case 'customer.erased':
    case 'device.conflict':
    case 'device.relinked':
    case 'source.down':
    case 'source.up':
    case 'checkin.corrected':
    case 'checkin.voided':
    case 'checkout.recorded':
      return;
    default:
      event satisfies never;
  }
}

/** All metrics as text. Gauges of the ledger are read when somebody asks. */
export async function metricsText(metrics: Metrics, db: Database, sources: readonly Source[]): Promise<string> {
  for (const source of sources) metrics.sourceUp.set({ source: source.id }, source.status().state === 'up' ? 1 : 0);
  try {
    const present = await countPresent(db);
    metrics.presentCustomers.reset();
    for (const [space, count] of present) metrics.presentCustomers.set({ space }, count);
  } catch {
    // Without the database the number is not known; all other metrics still are.
    metrics.presentCustomers.reset();
  }
  return await metrics.registry.metrics();
}
