import type { MacAddress } from '../../src/observation/mac-address.ts';
import type { CallingStation } from '../../src/presence/calling-station.ts';
import { mac } from '../support/registry.ts';
import { openWorld, type Answer, type World } from './world.ts';

export const phone = mac('02-00-5E-00-53-01');
export const watch = mac('02-00-5E-00-53-03');
export const laptop = mac('00-00-5E-00-53-02');

/** A world behind a proxy on this machine that it trusts, whose network knows what is in `stations`. */
export type MeWorld = World & {
  readonly stations: Map<string, CallingStation>;
  /** Claims that were refused, as `station customer`. */
  readonly refused: string[];
  /** A call of a member from the address of one of their devices. */
  readonly from: (address: string, method: string, path: string, options?: FromOptions) => Promise<Answer>;
};

type FromOptions = {
  readonly body?: object;
  readonly token?: string;
  readonly headers?: Readonly<Record<string, string>>;
};

export async function openMeWorld(databaseUrl?: string): Promise<MeWorld> {
  const stations = new Map<string, CallingStation>();
  const refused: string[] = [];
  const world = await openWorld({
    databaseUrl,
    options: { trustProxy: ['127.0.0.1/32', '192.0.2.250/32'] },
    ports: {
      findStation: async (address) => stations.get(address) ?? { known: false, reason: 'unknownAddress' },
      onClaimRefused: async (station, customerId) => void refused.push(`${station} ${customerId}`),
    },
  });
  return {
    ...world,
    stations,
    refused,
    from: (address, method, path, { headers, token = 'member', ...options } = {}) =>
      world.call(method, path, { token, ...options, headers: { 'x-forwarded-for': address, ...headers } }),
  };
}

export function at(station: MacAddress): CallingStation {
  return { known: true, station };
}
