import { createHash, randomBytes } from 'node:crypto';
import { foldIdentity } from '../identity/fold-identity.ts';
import { erasedCustomerId } from '../identity/customers.ts';
import { parseMacAddress } from '../observation/mac-address.ts';
import type { ErasedEventData } from './event.ts';

/** Stands for a device of somebody who was erased. */
const erasedDevice = 'erased';

/** What an event may keep of somebody who was erased: where, when and how. Everything else is left out, whatever it is. */
const kept = new Set([
  'id',
  'visitId',
  'spaceId',
  'state',
  'method',
  'methods',
  'startedAt',
  'endedAt',
  'lastActivityAt',
  'detectedAt',
  'checkOutMethod',
  'checkOutReason',
  'failureReason',
  'planId',
  'arrivedAt',
  'reason',
  'kind',
]);

type Data = Readonly<Record<string, unknown>>;

/** The data of a past event, as the ledger stores it, without the person. */
export function withoutPerson(type: string, data: Data, customerId: string): Data {
  if (type === 'device.conflict') return conflictWithout(data, customerId);
  const rest = Object.fromEntries(Object.entries(data).filter(([name]) => kept.has(name)));
  const isCheckIn = type.startsWith('checkin.') || type.startsWith('checkout.');
  return {
    ...rest,
    customerId: erasedCustomerId,
    ...(isCheckIn && { passId: null, deviceIds: [] }),
    // People write it, and it may name somebody.
    ...(type === 'checkin.voided' && { voidReason: 'erased' }),
  };
}

/** A conflict may be about two people, of whom the other stays. */
function conflictWithout(data: Data, customerId: string): Data {
  const without = Object.fromEntries(peopleOfConflict.map((name) => [name, withoutOne(data[name], customerId)]));
  const isOwnDevice = (data['registeredTo'] ?? data['customerId']) === customerId;
  return { ...data, ...without, ...(isOwnDevice && { deviceId: erasedDevice }) };
}

/** Where a `device.conflict` names a customer. */
export const peopleOfConflict = ['customerId', 'registeredTo', 'authenticatedAs', 'claimedBy'] as const;

function withoutOne(named: unknown, customerId: string): unknown {
  return named === customerId ? erasedCustomerId : (named ?? null);
}

export type NamedPerson = {
  readonly id: string;
  readonly name: string;
  readonly email: string | null;
  readonly identities: readonly string[];
};

/**
 * Says who was erased. Usually by the id, which is the platform's own and tells nobody else anything. An id that is itself what had to be
 * erased (an e-mail address, a user name, a name, an address) must not stay: then whoever keeps ids finds it among them by the hash.
 */
export function erasedEventData(person: NamedPerson): ErasedEventData {
  if (!isPersonal(person)) return { customerId: person.id, idSalt: null, idSha256: null };
  const idSalt = randomBytes(16).toString('hex');
  const idSha256 = createHash('sha256')
    .update(idSalt + person.id)
    .digest('hex');
  return { customerId: null, idSalt, idSha256 };
}

function isPersonal({ id, name, email, identities }: NamedPerson): boolean {
  const own = [email ?? '', ...identities, name, name.replaceAll(/\s+/gu, '.'), name.replaceAll(/\s+/gu, '')];
  return id.includes('@') || own.some((text) => foldIdentity(text) === id) || parseMacAddress(id) !== undefined;
}
