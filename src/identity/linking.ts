import type { DeviceClass } from './device-class.ts';

/** A device of the customer, as far as it matters to whose address a new one is. */
export type KnownDevice = {
  readonly id: string;
  readonly class: DeviceClass | null;
  /** Whether an address that it uses now is locally administered: made up by the device. */
  readonly isRandom: boolean;
};

/** What the network has shown of a device lately. Instants are epoch milliseconds. */
export type Heard = {
  /** Whether it is on the network, as far as anybody can tell. */
  readonly isHere: boolean;
  /** Its latest activity. */
  readonly activeAt: number;
  /** How long it may be silent before it is taken to be gone, milliseconds. */
  readonly patienceMs: number;
};

/** A station that is not registered and that the network authenticated as the customer. */
export type Newcomer = {
  readonly isRandom: boolean;
  /** When it was first heard. */
  readonly since: number;
};

export type LinkDecision =
  /** It is the next address of this device. */
  | { readonly type: 'relink'; readonly deviceId: string }
  /** It is another device of the customer. */
  | { readonly type: 'register' }
  /** It may be either; time will tell. */
  | { readonly type: 'wait' }
  /** It is another device, and the customer has as many as they may have. */
  | { readonly type: 'full' };

/** A report of what a device did a moment ago may come after it has gone on to its next address. */
const mostGraceMs = 60_000;

/**
 * What a station is to a customer who was proven to use it. A made-up address follows another when there is one device
 * only that can have made it up, and that device is not on the network under its old address at the same time.
 */
export function decideLink(
  newcomer: Newcomer,
  devices: readonly KnownDevice[],
  heard: (deviceId: string) => Heard | undefined,
  most: number,
): LinkDecision {
  const candidate = newcomer.isRandom ? soleCandidate(devices) : undefined;
  if (candidate !== undefined) {
    const before = heard(candidate.id);
    if (before === undefined || !before.isHere) return { type: 'relink', deviceId: candidate.id };
    const graceMs = Math.min(mostGraceMs, before.patienceMs / 2);
    if (before.activeAt <= newcomer.since + graceMs) return { type: 'wait' };
  }
  return { type: devices.length < most ? 'register' : 'full' };
}

/**
 * The one device that may have made a new address up: the only one whose address is made up already; without one, the
 * only device there is, should it be of a kind that can begin to make addresses up.
 */
function soleCandidate(devices: readonly KnownDevice[]): KnownDevice | undefined {
  const random = devices.filter((device) => device.isRandom && device.class !== 'stationary');
  if (random.length > 0) return random.length === 1 ? random[0] : undefined;
  const [only] = devices;
  return devices.length === 1 && only?.class !== 'laptop' && only?.class !== 'stationary' ? only : undefined;
}
