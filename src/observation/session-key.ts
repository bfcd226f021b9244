/**
 * The one name of an accounting session. An Acct-Session-Id is unique only within its NAS (RFC 2866, section 5.5), so
 * the NAS is part of it. Session ids may hold any character, the NAS no `|`: the first one ends the NAS.
 */
export function sessionKey(nasKey: string, sessionId: string): string {
  return `${nasKey}|${sessionId}`;
}

/** The NAS of a session; the same text as `NasReset.nasKey`. */
export function nasOfSession(key: string): string {
  return key.slice(0, key.indexOf('|'));
}

/**
 * The one name of a NAS within its space: two spaces may well have a router called `MikroTik` each. A NAS may call
 * itself anything, so the character that ends the name is escaped.
 */
export function nasKey(spaceId: string, nas: string): string {
  const name = nas.includes('|') || nas.includes('%') ? nas.replaceAll('%', '%25').replaceAll('|', '%7C') : nas;
  return `${spaceId}/${name}`;
}
