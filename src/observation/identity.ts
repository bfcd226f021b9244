/** Whom the network, or a portal, says that it is: the text as it was sent, and where it was said. */
export type Identity = { readonly kind: IdentityKind; readonly text: string };

/**
 * What can name a person, whatever address their phone makes up. `chargeableUserIdentity` (RFC 4372), `userName` of
 * 802.1X (RFC 2865, section 5.1) and `class` (section 5.25) come with accounting; `pskName` is the name of a key that one
 * person has; `user` is whom a controller says that it authenticated; `portal` is who signed in to a captive portal.
 */
export const identityKinds = ['chargeableUserIdentity', 'userName', 'class', 'pskName', 'user', 'portal'] as const;
export type IdentityKind = (typeof identityKinds)[number];

/** Outer identities that hide the person: none, or `anonymous`, before the realm (RFC 7542, section 2.4). */
export function isAnonymousIdentity(name: string): boolean {
  const first = name.charCodeAt(0);
  // Nearly every name is told apart by its first letter.
  if (first !== 0x61 && first !== 0x41 && first !== 0x40 && !Number.isNaN(first)) return false;
  return /^(?:anonymous|anon)?(?:@.*)?$/i.test(name);
}
