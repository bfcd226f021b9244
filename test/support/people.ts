import type { ApiClient } from './api-client.ts';
import { mailDomain, surname } from './log-scan.ts';

export type Person = { readonly id: string; readonly mac: string; readonly pass?: boolean };

/** Not the id, so that a name in a log is found. */
export function nameOf(id: string): string {
  return `${id} ${surname}`;
}

/** A customer with one device and, unless told otherwise, an unlimited pass; what most stories begin with. */
export async function registerPerson(api: ApiClient, { id, mac, pass = true }: Person): Promise<void> {
  await api.put(`/v1/customers/${id}`, { name: nameOf(id), email: `${id}@${mailDomain}` });
  if (pass) await api.post(`/v1/customers/${id}/passes`, { kind: 'unlimited' });
  await api.put(`/v1/devices/${mac}`, { customerId: id, class: 'phone' });
}

/** Many, a few at a time, since each of them is three transactions. */
export async function registerPeople(api: ApiClient, people: readonly Person[]): Promise<void> {
  const waiting = [...people];
  const worker = async () => {
    for (let person = waiting.shift(); person !== undefined; person = waiting.shift())
      await registerPerson(api, person);
  };
  await Promise.all([worker(), worker(), worker(), worker()]);
}

/** `00-00-5E-00-53-2A` for 42: one of the 256 addresses that RFC 7042 sets aside for documents. */
export function documentationMac(n: number): string {
  if (n < 0 || n > 255) throw new RangeError(`there are only 256 documentation addresses, not a number ${n}`);
  return `00-00-5E-00-53-${n.toString(16).padStart(2, '0').toUpperCase()}`;
}

/** A locally administered address, for crowds larger than the documentation range. */
export function crowdMac(n: number): string {
  const hex = n.toString(16).padStart(6, '0').toUpperCase();
  return `02-00-5E-${hex.slice(0, 2)}-${hex.slice(2, 4)}-${hex.slice(4, 6)}`;
}
