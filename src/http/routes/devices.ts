import { z } from 'zod';
import { allow } from '../access.ts';
import { callerOf } from '../auth.ts';
import { decodeCursor, toPage } from '../cursor.ts';
import {
  deviceFieldsSchema,
  deviceSchema,
  toDeviceView,
  type DeviceClass,
  type DeviceRecord,
} from '../device-schema.ts';
import { id, listOf, page } from '../fields.ts';
import { macField } from '../mac-field.ts';
import { notFound } from '../problem.ts';
import type { Routes } from '../route.ts';
import { unknownCustomer } from '../space-access.ts';
import type { MacAddress } from '../../observation/mac-address.ts';

export type DeviceFields = {
  readonly customerId: string;
  readonly name: string | null;
  readonly class: DeviceClass | null;
};

export type PutDeviceResult =
  | { readonly result: 'created' | 'updated'; readonly device: DeviceRecord }
  | { readonly result: 'unknownCustomer' };

export type DevicePorts = {
  readonly devices: {
    /** Registers the address; whoever is present with it now arrives at once. */
    readonly put: (address: MacAddress, fields: DeviceFields) => Promise<PutDeviceResult>;
    readonly get: (deviceId: string) => Promise<DeviceRecord | undefined>;
    readonly find: (address: MacAddress) => Promise<DeviceRecord | undefined>;
    /** By id. */
    readonly list: (
      filter: { readonly customerId: string | undefined },
      page: { readonly limit: number; readonly after: string | undefined },
    ) => Promise<readonly DeviceRecord[]>;
    /** False when no device has this address. */
    readonly remove: (address: MacAddress) => Promise<boolean>;
  };
};

export function addDevices(app: Routes, { devices }: DevicePorts): void {
  const params = z.strictObject({ mac: macField });
  const writers = allow('platform', 'frontdesk');
  const readers = allow('platform', 'frontdesk', 'viewer');

  app.route({
    method: 'PUT',
    url: '/v1/devices/:mac',
    config: { access: writers },
    schema: {
      summary: 'Registers a device to a customer, or changes what is known of it',
      description: 'A device that is present now checks its owner in at once.',
      tags: ['devices'],
      params,
      body: deviceFieldsSchema,
      response: { 200: deviceSchema, 201: deviceSchema },
    },
    handler: async (request, reply) => {
      const { customerId, name = null, class: deviceClass = null } = request.body;
      const outcome = await devices.put(request.params.mac, { customerId, name, class: deviceClass });
      if (outcome.result === 'unknownCustomer') throw unknownCustomer('customerId');
      const status = outcome.result === 'created' ? 201 : 200;
      return reply.code(status).send(toDeviceView(callerOf(request), outcome.device));
    },
  });

  app.route({
    method: 'GET',
    url: '/v1/devices/:mac',
    config: { access: readers },
    schema: { summary: 'One device, by its address', tags: ['devices'], params, response: { 200: deviceSchema } },
    handler: async (request) => {
      const device = await devices.find(request.params.mac);
      if (device === undefined) throw notFound('device');
      return toDeviceView(callerOf(request), device);
    },
  });

  app.route({
    method: 'GET',
    url: '/v1/devices',
    config: { access: readers },
    schema: {
      summary: 'Devices, by id',
      tags: ['devices'],
      querystring: z.strictObject({ customerId: id.optional(), ...page }),
      response: { 200: listOf(deviceSchema) },
    },
    handler: async (request) => {
      const { customerId, limit, cursor } = request.query;
      const caller = callerOf(request);
      const rows = await devices.list({ customerId }, { limit: limit + 1, after: decodeCursor(z.string(), cursor) });
      const { items, nextCursor } = toPage(rows, limit, (device) => device.id);
      return { items: items.map((device) => toDeviceView(caller, device)), nextCursor };
    },
  });

  app.route({
    method: 'DELETE',
    url: '/v1/devices/:mac',
    config: { access: writers },
    schema: {
      summary: 'Forgets a device; check-ins that it caused stay',
      tags: ['devices'],
      params,
      response: { 204: z.undefined().describe('The device is forgotten') },
    },
    handler: async (request, reply) => {
      if (!(await devices.remove(request.params.mac))) throw notFound('device');
      return reply.code(204).send();
    },
  });
}
