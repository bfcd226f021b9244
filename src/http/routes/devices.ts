import { Readable } from 'node:stream';
import { z } from 'zod';
import { asksFor } from '../accept.ts';
import { allow } from '../access.ts';
import { callerOf } from '../auth.ts';
import { claimDevice, type ClaimPorts } from '../claim-device.ts';
import { decodeCursor, toPage } from '../cursor.ts';
import { deviceFieldsSchema, deviceSchema, toDeviceView } from '../device-schema.ts';
import { id, listOf, page } from '../fields.ts';
import { addressFor, macField } from '../mac-field.ts';
import { notFound } from '../problem.ts';
import type { Routes } from '../route.ts';
import { exportDevices } from '../../identity/bulk/export-devices.ts';
import { deleteDevice, getDevice, listDevices, withLastSeen } from '../../identity/devices.ts';

/** For whoever takes a large file through a thin line. */
const exportTimeoutMs = 300_000;

/** As it is sent, a stream; as it arrives, text. */
const csvFile = z.string() as z.ZodType as z.ZodType<Readable>;

export type DevicePorts = ClaimPorts;

export function addDevices(app: Routes, ports: DevicePorts): void {
  const { registry } = ports;
  const params = z.strictObject({ mac: macField });
  const writers = allow('platform', 'frontdesk');
  const readers = allow('platform', 'frontdesk', 'viewer');

  app.route({
    method: 'PUT',
    url: '/v1/devices/:mac',
    config: { access: writers, audit: 'device.put', failures: [409, 422] },
    schema: {
      summary: 'Registers a device to a customer, or changes what is known of it',
      description:
        'What is left out stays as it is. A device that is present now checks its owner in at once. One that is registered to another customer is a 409: nobody moves a device by mistake, and `GET /v1/devices/conflicts` lists it until it is settled. So is one more than `devices.quota` allows (`deviceQuotaReached`); the answer lists the devices that `replaces` may name, the one first that was seen least recently.',
      tags: ['devices'],
      params,
      body: deviceFieldsSchema,
      response: { 200: deviceSchema, 201: deviceSchema },
    },
    handler: async (request, reply) => {
      const { device, created } = await claimDevice(ports, request.params.mac, request.body);
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
      const [seen = device] = await withLastSeen(registry.db.read, device.customerId, [device]);
      return toDeviceView(callerOf(request), seen);
    },
  });

  app.route({
    method: 'GET',
    url: '/v1/devices',
    handlerTimeout: exportTimeoutMs,
    config: { access: readers, audit: 'device.list' },
    schema: {
      summary: 'Devices, by id; with Accept: text/csv all of them as a file',
      description:
        'The file has no pages, and its columns are those that `POST /v1/devices/import` reads, and some more. Cells that a spreadsheet would run as a formula begin with an apostrophe, which the import takes away again.',
      tags: ['devices'],
      querystring: z.strictObject({ customerId: id.optional(), ...page }),
      response: {
        200: {
          description: 'Devices',
          content: {
            'application/json': { schema: listOf(deviceSchema) },
            'text/csv': { schema: csvFile },
          },
        },
      },
    },
    handler: async (request, reply) => {
      const { customerId, limit, cursor } = request.query;
      const caller = callerOf(request);
      // One address, two forms: caches and browsers must not take one for the other.
      void reply.header('vary', 'accept');
      if (asksFor(request.headers.accept, 'text/csv')) {
        const parts = exportDevices(registry, { customerId, show: (mac) => addressFor(caller, mac) });
        // A database that does not answer is found out while it can still be said.
        const first = await parts.next();
        return reply
          .type('text/csv; charset=utf-8')
          .header('content-disposition', 'attachment; filename="devices.csv"')
          .send(Readable.from(startingWith(first.value ?? '', parts)));
      }
      const rows = await listDevices(registry, {
        customerId,
        limit: limit + 1,
        after: decodeCursor(z.string(), cursor),
      });
      const { items, nextCursor } = toPage(rows, limit, (device) => device.id);
      const seen = customerId === undefined ? items : await withLastSeen(registry.db.read, customerId, items);
      return { items: seen.map((device) => toDeviceView(caller, device)), nextCursor };
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

async function* startingWith(first: string, rest: AsyncIterable<string>): AsyncGenerator<string> {
  yield first;
  yield* rest;
}
