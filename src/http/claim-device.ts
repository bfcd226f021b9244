import { putDevice, type DeviceInput } from '../identity/devices.ts';
import { Conflict } from '../identity/errors.ts';
import type { Registry } from '../identity/registry.ts';
import type { MacAddress } from '../observation/mac-address.ts';

export type ClaimPorts = {
  readonly registry: Registry;
  /** Somebody wanted to register a device that is somebody else's: an admin has to settle whose it is. */
  readonly onClaimRefused: (station: MacAddress, customerId: string) => Promise<void>;
};

/** Registers a device, as `putDevice` does; that it is somebody else's is noted before it is refused. */
export async function claimDevice({ registry, onClaimRefused }: ClaimPorts, station: MacAddress, input: DeviceInput) {
  try {
    return await putDevice(registry, station, input);
  } catch (error) {
    if (error instanceof Conflict && error.code === 'deviceTaken') await onClaimRefused(station, input.customerId);
    throw error;
  }
}
