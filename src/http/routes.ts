import type { Registry } from '../identity/registry.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Logger } from '../runtime/logger.ts';
import type { FindCaller } from './auth.ts';
import type { FindCallingDevice } from './calling-device.ts';
import type { StreamLimits } from './event-streams.ts';
import { IdempotencyKeys } from './idempotency.ts';
import type { PrivacyPorts } from './privacy-fields.ts';
import type { Routes } from './route.ts';
import { addAuditLog } from './routes/audit.ts';
import { addCheckIns, type CheckInPorts } from './routes/check-ins.ts';
import { addCustomers } from './routes/customers.ts';
import { addDeviceConflicts } from './routes/device-conflicts.ts';
import { addDeviceBulk } from './routes/device-bulk.ts';
import { addDevices } from './routes/devices.ts';
import { addEvents, type EventPorts } from './routes/events.ts';
import { addHealth, type HealthPorts } from './routes/health.ts';
import { addMe, type MePorts } from './routes/me.ts';
import { addMeDevices, type MeDevicePorts } from './routes/me-devices.ts';
import { addObservations, type ObservationPorts } from './routes/observations.ts';
import { addErasure } from './routes/erasure.ts';
import { addMyPrivacy } from './routes/me-privacy.ts';
import { addOpenApiDocument } from './routes/openapi.ts';
import { addPages } from './routes/pages.ts';
import { addPasses, type PassPorts } from './routes/passes.ts';
import { addPresence, type PresencePorts } from './routes/presence.ts';
import { hasAdminToken } from '../identity/tokens.ts';
import { addSetup, type SetupPorts } from './routes/setup.ts';
import { addSources, type SourcePorts } from './routes/sources.ts';
import { addSpaces, type SpacePorts } from './routes/spaces.ts';
import { addWhy, type WhyPorts } from './routes/why.ts';
import { addUnregistered, type UnregisteredPorts } from './routes/unregistered.ts';

/** What the calls act on. Each noun says beside its routes what it needs. */
export type RoutePorts = HealthPorts &
  UnregisteredPorts &
  PrivacyPorts &
  SpacePorts &
  PassPorts &
  PresencePorts &
  WhyPorts &
  MePorts &
  MeDevicePorts &
  CheckInPorts &
  EventPorts &
  SetupPorts &
  SourcePorts &
  ObservationPorts & {
    readonly registry: Registry;
  };

export type RouteContext = RoutePorts & {
  readonly clock: Clock;
  readonly log: Logger;
  readonly findCaller: FindCaller;
  readonly callingDevice: FindCallingDevice;
  readonly options: { readonly allowInsecure: boolean; readonly adminToken?: string } & {
    readonly streamLimits?: StreamLimits;
  };
};

export function addRoutes(app: Routes, context: RouteContext): void {
  const { clock, log, findCaller, options, registry } = context;
  const keys = new IdempotencyKeys(registry.db, clock, log);
  const setupIsOpen = async () => options.adminToken === undefined && !(await hasAdminToken(registry.db, clock));
  addPages(app, setupIsOpen);
  addOpenApiDocument(app);
  addHealth(app, context);
  addSetup(app, context, { allowInsecure: options.allowInsecure, setupIsOpen });
  addCustomers(app, context);
  addErasure(app, context);
  addMyPrivacy(app, context);
  addDevices(app, context);
  addDeviceConflicts(app, context);
  addDeviceBulk(app, context, keys);
  addUnregistered(app, context, keys);
  addPasses(app, context, keys);
  addSpaces(app, context);
  addPresence(app, context);
  addWhy(app, context);
  addMe(app, context);
  addMeDevices(app, context, { keys, clock, callingDevice: context.callingDevice });
  addCheckIns(app, context, { clock, keys });
  addEvents(app, context, { log, findCaller, limits: options.streamLimits });
  addSources(app, context);
  addObservations(app, context, clock);
  addAuditLog(app, registry);
}
