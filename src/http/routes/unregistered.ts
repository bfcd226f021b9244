import { z } from 'zod';
import { allow, seesSpace } from '../access.ts';
import { callerOf } from '../auth.ts';
import { claimDevice } from '../claim-device.ts';
import { deviceFieldsSchema, deviceSchema, toDeviceView } from '../device-schema.ts';
import { id, instant, limit, listOf, opaqueId } from '../fields.ts';
import type { IdempotencyKeys } from '../idempotency.ts';
import { maskAddress } from '../mac-field.ts';
import { notFound } from '../problem.ts';
import { vendorOf } from '../../observation/vendor.ts';
import type { Routes } from '../route.ts';
import { spacesFor, type SpaceCatalog } from '../space-access.ts';
import type { DevicePorts } from './devices.ts';
import { getDeviceById } from '../../identity/devices.ts';
import type { UnregisteredStation, UnregisteredStations } from '../../presence/unregistered.ts';

export type UnregisteredPorts = DevicePorts & {
  readonly unregistered: Pick<UnregisteredStations, 'list' | 'get'>;
  readonly spaces: SpaceCatalog;
};

const unregisteredSchema = z
  .object({
    id: z.string().describe('Opaque; says nothing about the address'),
    spaceId: z.string(),
    sourceId: z.string(),
    mac: z.string().describe('The last digits of its address, whoever asks'),
    random: z.boolean().describe('Whether it made the address up, as phones do'),
    vendor: z.string().nullable().describe('Who made its radio; null when it made the address up'),
    hostname: z.string().nullable().describe('What it calls itself, where a source tells; a hint and no evidence'),
    accessPoint: z.string().nullable(),
    ssid: z.string().nullable(),
    firstSeenAt: instant,
    lastSeenAt: instant,
  })
  .meta({ id: 'UnregisteredDevice' });

export function addUnregistered(app: Routes, ports: UnregisteredPorts, keys: IdempotencyKeys): void {
  const { unregistered, registry, spaces } = ports;
  app.route({
    method: 'GET',
    url: '/v1/devices/unregistered',
    config: { access: allow('frontdesk', 'platform'), audit: 'device.unregistered' },
    schema: {
      summary: 'Devices of the last 24 hours that nobody has registered, latest first',
      tags: ['devices'],
      querystring: z.strictObject({ spaceId: id.optional(), limit }),
      response: { 200: listOf(unregisteredSchema) },
    },
    handler: async (request) => {
      const { spaceId, limit: most } = request.query;
      const lists = await Promise.all(
        spacesFor(callerOf(request), spaces, spaceId).map((space) => unregistered.list(space.id, most)),
      );
      const items = lists
        .flat()
        .toSorted((a, b) => b.lastSeenAt - a.lastSeenAt)
        .slice(0, most);
      // They come and go by the second, so there is no second page that would fit the first.
      return { items: items.map(toView), nextCursor: null };
    },
  });

  app.route({
    method: 'POST',
    url: '/v1/devices/unregistered/:id/assign',
    config: { access: allow('frontdesk', 'platform'), audit: 'device.assign', failures: [409, 422], idempotent: true },
    schema: {
      summary: 'Registers an unregistered device to a customer; if it is here now, they are checked in at once',
      tags: ['devices'],
      params: z.strictObject({ id: opaqueId }),
      body: deviceFieldsSchema,
      response: { 201: deviceSchema },
    },
    handler: async (request, reply) => {
      const caller = callerOf(request);
      const made = await keys.once(request, async () => {
        const found = await unregistered.get(request.params.id);
        if (found === undefined || !seesSpace(caller, found.spaceId)) throw notFound('unregistered device');
        const { device } = await claimDevice(ports, found.station, request.body);
        return { status: 201, id: device.id };
      });
      const device = await getDeviceById(registry, made.id);
      if (device === undefined) throw notFound('device');
      return reply.code(201).send(toDeviceView(caller, device));
    },
  });
}

function toView({ station, ...rest }: UnregisteredStation): z.output<typeof unregisteredSchema> {
  return { ...rest, mac: maskAddress(station), vendor: vendorOf(station) };
}
