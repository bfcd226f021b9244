import { networkInterfaces } from 'node:os';

const mostAddresses = 4;

/** What other machines can reach when we listen there: the address itself, or, for a wildcard, the machine's own. */
export function reachableAddresses(
  listen: { readonly host: string },
  addresses: readonly string[] = machineAddresses(),
): readonly string[] {
  if (listen.host !== '0.0.0.0' && listen.host !== '::') return [listen.host];
  const family = addresses.filter((address) => listen.host === '::' || !address.includes(':'));
  return family.length === 0 ? ['127.0.0.1'] : family;
}

/** This machine's addresses on its networks, link-local ones left out: nobody types those into an access point. */
export function machineAddresses(): readonly string[] {
  return Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ internal }) => !internal)
    .map(({ address }) => address)
    .filter((address) => !address.toLowerCase().startsWith('fe80:'))
    .slice(0, mostAddresses);
}
