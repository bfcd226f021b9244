import type { Database } from '../db/database.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Logger } from '../runtime/logger.ts';
import type { FindCaller } from './auth.ts';
import { IdempotencyKeys } from './idempotency.ts';
import type { Routes } from './route.ts';
import { addCheckIns, type CheckInPorts } from './routes/check-ins.ts';
import { addEvents, type EventPorts } from './routes/events.ts';
import { addHealth, type HealthPorts } from './routes/health.ts';
import { addOpenApiDocument } from './routes/openapi.ts';
import { addPages } from './routes/pages.ts';
import { addPasses, type PassPorts } from './routes/passes.ts';
import { addPresence, type PresencePorts } from './routes/presence.ts';
import { addSetup, type SetupPorts } from './routes/setup.ts';
import { addSources, type SourcePorts } from './routes/sources.ts';
import { addSpaces, type SpacePorts } from './routes/spaces.ts';

/** What the calls act on. Each noun says beside its routes what it needs. */
export type RoutePorts = HealthPorts &
  SpacePorts &
  PassPorts &
  PresencePorts &
  CheckInPorts &
  EventPorts &
  SourcePorts & {
    readonly setup: SetupPorts;
    /** Keeps idempotency keys. */
    readonly db: Database;
  };

export type RouteContext = RoutePorts & {
  readonly clock: Clock;
  readonly log: Logger;
  readonly findCaller: FindCaller;
  readonly options: { readonly allowInsecure: boolean };
};

export function addRoutes(app: Routes, context: RouteContext): void {
  const { clock, log, findCaller, setup, options, db } = context;
  const keys = new IdempotencyKeys(db, clock, log);
  addPages(app, setup.isOpen);
  addOpenApiDocument(app);
  addHealth(app, context);
  addSetup(app, setup, { clock, allowInsecure: options.allowInsecure });
  addPasses(app, context, keys);
  addSpaces(app, context);
  addPresence(app, context);
  addCheckIns(app, context, { clock, keys });
  addEvents(app, context, { log, findCaller });
  addSources(app, context);
}
