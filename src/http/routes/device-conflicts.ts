import { z } from 'zod';
import { allow } from '../access.ts';
import { callerOf } from '../auth.ts';
import { decodeCursor, toPage } from '../cursor.ts';
import { deviceSchema, toDeviceView } from '../device-schema.ts';
import { instant, listOf, opaqueId, page } from '../fields.ts';
import { notFound } from '../problem.ts';
import type { Routes } from '../route.ts';
import {
  getConflict,
  listConflicts,
  settleConflict,
  settlements,
  type DeviceConflict,
} from '../../identity/device-conflicts.ts';
import { getDeviceById } from '../../identity/devices.ts';
import type { Registry } from '../../identity/registry.ts';

const conflictSchema = z
  .object({
    id: z.string(),
    kind: z
      .enum(['identity', 'claim'])
      .describe('The network authenticated the claimant on it, or the claimant wanted to register it'),
    device: deviceSchema.nullable().describe('Null once it is nobody’s'),
    registeredTo: z.string(),
    claimedBy: z.string(),
    firstAt: instant,
    lastAt: instant,
    settledAt: instant.nullable(),
    settlement: z.enum(settlements).nullable().describe('Whose it is: as registered, the other’s, or nobody’s'),
  })
  .meta({ id: 'DeviceConflict' });

export function addDeviceConflicts(app: Routes, { registry }: { readonly registry: Registry }): void {
  type Caller = ReturnType<typeof callerOf>;
  const toView = async (caller: Caller, conflict: DeviceConflict): Promise<z.output<typeof conflictSchema>> => {
    const { deviceId, holderId: registeredTo, claimantId: claimedBy, ...rest } = conflict;
    const device = await getDeviceById(registry, deviceId);
    return { ...rest, registeredTo, claimedBy, device: device === undefined ? null : toDeviceView(caller, device) };
  };

  app.route({
    method: 'GET',
    url: '/v1/devices/conflicts',
    config: { access: allow('platform', 'frontdesk'), audit: 'conflict.list' },
    schema: {
      summary: 'Devices that two customers claim, latest first',
      description:
        'A device is registered to one customer, and the network authenticated another on it, or another wanted to register it. Meanwhile it counts as the space says (identities.onConflict).',
      tags: ['devices'],
      querystring: z.strictObject({
        state: z.enum(['open', 'settled']).default('open').describe('Settled ones whose device is gone are not kept'),
        ...page,
      }),
      response: { 200: listOf(conflictSchema) },
    },
    handler: async (request) => {
      const { state, limit, cursor } = request.query;
      const after = decodeCursor(z.strictObject({ firstAt: z.int(), id: z.string() }), cursor);
      const rows = await listConflicts(registry, { state, limit: limit + 1, after });
      const { items, nextCursor } = toPage(rows, limit, ({ firstAt, id }) => ({ firstAt, id }));
      const caller = callerOf(request);
      return { items: await Promise.all(items.map((conflict) => toView(caller, conflict))), nextCursor };
    },
  });

  app.route({
    method: 'POST',
    url: '/v1/devices/conflicts/:id/settle',
    config: { access: allow('platform'), audit: 'conflict.settle', failures: [409] },
    schema: {
      summary: 'Says whose the device is',
      description:
        '`holder`: it stays registered as it is. `claimant`: it becomes the other customer’s, under a new id. `neither`: nobody has it registered.',
      tags: ['devices'],
      params: z.strictObject({ id: opaqueId }),
      body: z.strictObject({ settlement: z.enum(settlements) }),
      response: { 200: conflictSchema },
    },
    handler: async (request) => {
      const { id } = request.params;
      const { settlement } = request.body;
      const settled = (await settleConflict(registry, id, settlement)) ?? (await getConflict(registry, id));
      if (settled === undefined || settled.settlement !== settlement) throw notFound('open conflict');
      return await toView(callerOf(request), settled);
    },
  });
}
