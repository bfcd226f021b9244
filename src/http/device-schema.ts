import { z } from 'zod';
import { deviceClasses } from '../identity/device-class.ts';
import type { Device } from '../identity/devices.ts';
import { isLocallyAdministered } from '../observation/mac-address.ts';
import type { Caller } from './access.ts';
import { id, instant, line } from './fields.ts';
import { addressFor } from './mac-field.ts';

export const deviceSchema = z
  .object({
    id: z.string(),
    mac: z.string().describe('Its address; only the last digits unless the token is of the role admin or platform'),
    random: z.boolean().describe('Whether it made the address up (locally administered), as phones do'),
    customerId: z.string(),
    name: z.string().nullable(),
    class: z.enum(deviceClasses).nullable(),
    createdAt: instant,
    updatedAt: instant,
  })
  .meta({ id: 'Device' });

export const deviceFieldsSchema = z.strictObject({
  customerId: id,
  name: line(100).nullish(),
  class: z.enum(deviceClasses).nullish(),
});

export function toDeviceView(caller: Caller, device: Device): z.output<typeof deviceSchema> {
  return { ...device, mac: addressFor(caller, device.mac), random: isLocallyAdministered(device.mac) };
}
