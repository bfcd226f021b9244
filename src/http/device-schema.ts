import { z } from 'zod';
import { isLocallyAdministered, type MacAddress } from '../observation/mac-address.ts';
import type { Caller } from './access.ts';
import { id, instant } from './fields.ts';
import { addressFor } from './mac-field.ts';

export const deviceClasses = ['phone', 'laptop', 'watch', 'tablet', 'stationary', 'other'] as const;
export type DeviceClass = (typeof deviceClasses)[number];

/** A device as the registry holds it. Instants are epoch milliseconds. */
export type DeviceRecord = {
  readonly id: string;
  readonly customerId: string;
  /** The address it uses now. */
  readonly address: MacAddress;
  readonly name: string | null;
  readonly class: DeviceClass | null;
  readonly createdAt: number;
  readonly updatedAt: number;
};

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
  name: z.string().trim().min(1, 'must not be empty').max(100).optional(),
  class: z.enum(deviceClasses).optional(),
});

export function toDeviceView(caller: Caller, { address, ...device }: DeviceRecord): z.output<typeof deviceSchema> {
  return { ...device, mac: addressFor(caller, address), random: isLocallyAdministered(address) };
}
