import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { OwnPresence } from '../../checkins/own-presence.ts';
import { changeOwnDevice } from '../../identity/change-own-device.ts';
import { deviceClasses } from '../../identity/device-class.ts';
import { deleteDevice, getDevice, getDeviceById, listDevices } from '../../identity/devices.ts';
import type { Device, DeviceInput } from '../../identity/devices.ts';
import { Conflict } from '../../identity/errors.ts';
import { isLocallyAdministered, type MacAddress } from '../../observation/mac-address.ts';
import type { Clock } from '../../runtime/clock.ts';
import { vendorOf } from '../../observation/vendor.ts';
import { allow } from '../access.ts';
import { callerOf, memberOf, tooManyRequests } from '../auth.ts';
import { explanations, refuseUnknown, unknownDevices, type FindCallingDevice } from '../calling-device.ts';
import { claimDevice, type ClaimPorts } from '../claim-device.ts';
import { decodeCursor, toPage } from '../cursor.ts';
import { deviceFieldsSchema } from '../device-schema.ts';
import { instant, line, listOf, page } from '../fields.ts';
import type { IdempotencyKeys } from '../idempotency.ts';
import { macField, maskAddress } from '../mac-field.ts';
import { notFound, Problem } from '../problem.ts';
import { createRateLimit, type Rate } from '../rate-limit.ts';
import type { Routes } from '../route.ts';

export type MeDevicePorts = ClaimPorts & {
  readonly ownPresence: (customerId: string) => Promise<OwnPresence>;
};

type Context = {
  readonly keys: IdempotencyKeys;
  readonly clock: Clock;
  readonly callingDevice: FindCallingDevice;
};

/** Whoever changes their address to find out whose devices there are does so slowly. */
const claimRate: Rate = { perSecond: 1 / 30, burst: 10 };
/** A page that asks which device this is asks whenever it is opened. */
const lookRate: Rate = { perSecond: 1 / 5, burst: 30 };

const ownDeviceSchema = z
  .object({
    id: z.string(),
    mac: z.string().describe('Its whole address, since it is their own'),
    random: z.boolean().describe('Whether it made the address up (locally administered), as phones do'),
    name: z.string().nullable(),
    class: z.enum(deviceClasses).nullable(),
    createdAt: instant,
    updatedAt: instant,
    lastSeenAt: instant.nullable().describe('When it was last active, within the last day'),
    thisDevice: z.boolean().describe('Whether it is the one that makes this call'),
  })
  .meta({ id: 'OwnDevice' });

const thisDeviceSchema = z
  .object({
    known: z.boolean(),
    mac: z.string().optional().describe('The last digits of its address'),
    random: z.boolean().optional(),
    vendor: z.string().optional(),
    registered: z.enum(['no', 'yours', 'someoneElse']).optional(),
    reason: z.enum(unknownDevices).optional().describe('Why it is not known'),
    help: z.string().optional().describe('What to do about it, for people'),
  })
  .meta({ id: 'ThisDevice' });

const changesSchema = z.strictObject({ name: line(100).nullish(), class: z.enum(deviceClasses).nullish() });

const claimSchema = changesSchema.extend({ replaces: deviceFieldsSchema.shape.replaces });

export function addMeDevices(app: Routes, ports: MeDevicePorts, { keys, clock, callingDevice }: Context): void {
  const { registry } = ports;
  const params = z.strictObject({ mac: macField });
  const member = allow('member');
  const [claims, looks] = [createRateLimit(clock), createRateLimit(clock)];

  const toViews = async (request: FastifyRequest, devices: readonly Device[]) => {
    const [{ deviceSeenAt }, calling] = await Promise.all([
      ports.ownPresence(memberOf(request)),
      callingDevice(request),
    ]);
    return devices.map((device) => ({
      ...device,
      random: isLocallyAdministered(device.mac),
      lastSeenAt: deviceSeenAt.get(device.id) ?? null,
      thisDevice: calling.known && calling.station === device.mac,
    }));
  };
  const toView = async (request: FastifyRequest, device: Device | undefined) => {
    if (device?.customerId !== memberOf(request)) throw notFound('device');
    const [view] = await toViews(request, [device]);
    return view as NonNullable<typeof view>;
  };

  app.route({
    method: 'GET',
    url: '/v1/me/devices',
    config: { access: member, audit: 'me.read', failures: [404] },
    schema: {
      summary: "The member's own devices, by id",
      tags: ['me'],
      querystring: z.strictObject(page),
      response: { 200: listOf(ownDeviceSchema) },
    },
    handler: async (request) => {
      const { limit, cursor } = request.query;
      const rows = await listDevices(registry, {
        customerId: memberOf(request),
        limit: limit + 1,
        after: decodeCursor(z.string(), cursor),
      });
      const { items, nextCursor } = toPage(rows, limit, ({ id }) => id);
      return { items: await toViews(request, items), nextCursor };
    },
  });

  app.route({
    method: 'GET',
    url: '/v1/me/devices/this',
    config: { access: member, audit: 'me.read', failures: [404] },
    schema: {
      summary: 'What is known of the device that makes this call',
      tags: ['me'],
      response: { 200: thisDeviceSchema },
    },
    handler: async (request) => {
      const customerId = memberOf(request);
      allowOne(looks(callerOf(request).tokenId, lookRate));
      const calling = await callingDevice(request);
      if (!calling.known) return { known: false, reason: calling.reason, help: explanations[calling.reason] };
      const { station } = calling;
      const owner = (await getDevice(registry, station))?.customerId;
      const vendor = vendorOf(station);
      return {
        known: true,
        mac: maskAddress(station),
        random: isLocallyAdministered(station),
        ...(vendor !== null && { vendor }),
        registered: owner === undefined ? 'no' : owner === customerId ? 'yours' : 'someoneElse',
      } as const;
    },
  });

  app.route({
    method: 'POST',
    url: '/v1/me/devices',
    config: { access: member, audit: 'me.device.claim', failures: [404, 409, 422], idempotent: true },
    schema: {
      summary: 'Registers the device that makes this call to the member',
      description:
        'Which device that is, the network says: the call must come from the device itself, over the Wi-Fi of a space. 422 `deviceUnknown` and 409 `deviceShared` say why that cannot be known, and what to do; 409 `deviceTaken` means that it is registered to somebody else; 409 `deviceQuotaReached`, that it is one too many, and lists what `replaces` may name. If it is here now, the member is checked in at once.',
      tags: ['me'],
      body: claimSchema,
      response: { 200: ownDeviceSchema, 201: ownDeviceSchema },
    },
    handler: async (request, reply) => {
      const customerId = memberOf(request);
      const made = await keys.once(request, async () => {
        allowOne(claims(callerOf(request).tokenId, claimRate));
        const calling = await callingDevice(request);
        if (!calling.known) throw refuseUnknown(calling.reason);
        const { device, created } = await claim(ports, calling.station, { ...request.body, customerId });
        return { status: created ? 201 : 200, id: device.id };
      });
      const device = await toView(request, await getDeviceById(registry, made.id));
      return reply.code(made.status === 201 ? 201 : 200).send(device);
    },
  });

  app.route({
    method: 'PATCH',
    url: '/v1/me/devices/:mac',
    config: { access: member, audit: 'me.change' },
    schema: {
      summary: 'Changes what the member says of a device of theirs',
      tags: ['me'],
      params,
      body: changesSchema,
      response: { 200: ownDeviceSchema },
    },
    handler: async (request) => {
      const input = { ...request.body, customerId: memberOf(request) };
      const changed = await changeOwnDevice(registry, request.params.mac, input);
      return await toView(request, changed === undefined ? undefined : await getDeviceById(registry, changed));
    },
  });

  app.route({
    method: 'DELETE',
    url: '/v1/me/devices/:mac',
    config: { access: member, audit: 'me.device.delete' },
    schema: {
      summary: 'Forgets a device of the member; check-ins that it caused stay',
      tags: ['me'],
      params,
      response: { 204: z.undefined().describe('The device is forgotten') },
    },
    handler: async (request, reply) => {
      if (!(await deleteDevice(registry, request.params.mac, memberOf(request)))) throw notFound('device');
      return reply.code(204).send();
    },
  });
}

/** A member is not told whose it is. */
async function claim(ports: MeDevicePorts, station: MacAddress, input: DeviceInput) {
  try {
    return await claimDevice(ports, station, input);
  } catch (error) {
    if (!(error instanceof Conflict && error.code === 'deviceTaken')) throw error;
    throw new Problem(
      409,
      'deviceTaken',
      'this device is registered to somebody else; ask the front desk to look into it',
    );
  }
}

function allowOne(waitMs: number): void {
  if (waitMs > 0) throw tooManyRequests(waitMs, 'too many questions about which device this is');
}
