import { z } from 'zod';
import { allow } from '../access.ts';
import { callerOf } from '../auth.ts';
import { decodeCursor, toPage } from '../cursor.ts';
import { deviceFieldsSchema, deviceSchema, toDeviceView } from '../device-schema.ts';
import { id, listOf, page } from '../fields.ts';
import { macField } from '../mac-field.ts';
import { notFound } from '../problem.ts';
import type { Routes } from '../route.ts';
import { deleteDevice, getDevice, listDevices, putDevice } from '../../identity/devices.ts';
import type { Registry } from '../../identity/registry.ts';

export type DevicePorts = {
  readonly registry: Registry;
};

export function addDevices(app: Routes, { registry }: DevicePorts): void {
  const params = z.strictObject({ mac: macField });
  const writers = allow('platform', 'frontdesk');
  const readers = allow('platform', 'frontdesk', 'viewer');

  app.route({
    method: 'PUT',
    url: '/v1/devices/:mac',
    config: { access: writers, audit: 'device.put', failures: [409] },
    schema: {
      summary: 'Registers a device to a customer, or changes what is known of it',
      description:
        'What is left out stays as it is. A device that is present now checks its owner in at once. One that is registered to another customer is a 409: nobody moves a device by mistake.',
      tags: ['devices'],
      params,
      body: deviceFieldsSchema,
      response: { 200: deviceSchema, 201: deviceSchema },
    },
    handler: async (request, reply) => {
      const { device, created } = await putDevice(registry, request.params.mac, request.body);
      return reply.code(created ? 201 : 200).send(toDeviceView(callerOf(request), device));
    },
  });

  app.route({
    method: 'GET',
    url: '/v1/devices/:mac',
    config: { access: readers, audit: 'device.read' },
    schema: { summary: 'One device, by its address', tags: ['devices'], params, response: { 200: deviceSchema } },
    handler: async (request) => {
      const device = await getDevice(registry, request.params.mac);
      if (device === undefined) throw notFound('device');
      return toDeviceView(callerOf(request), device);
    },
  });

  app.route({
    method: 'GET',
    url: '/v1/devices',
    config: { access: readers, audit: 'device.list' },
    schema: {
      summary: 'Devices, by id',
      tags: ['devices'],
      querystring: z.strictObject({ customerId: id.optional(), ...page }),
      response: { 200: listOf(deviceSchema) },
    },
    handler: async (request) => {
      const { customerId, limit, cursor } = request.query;
      const caller = callerOf(request);
      const rows = await listDevices(registry, {
        customerId,
        limit: limit + 1,
        after: decodeCursor(z.string(), cursor),
      });
      const { items, nextCursor } = toPage(rows, limit, (device) => device.id);
      return { items: items.map((device) => toDeviceView(caller, device)), nextCursor };
    },
  });

  app.route({
    method: 'DELETE',
    url: '/v1/devices/:mac',
    config: { access: writers, audit: 'device.delete' },
    schema: {
      summary: 'Forgets a device; check-ins that it caused stay',
      tags: ['devices'],
      params,
      response: { 204: z.undefined().describe('The device is forgotten') },
    },
    handler: async (request, reply) => {
      if (!(await deleteDevice(registry, request.params.mac))) throw notFound('device');
      return reply.code(204).send();
    },
  });
}
