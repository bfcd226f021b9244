import type { Identity, IdentityKind } from '../observation/identity.ts';

/** What a space makes of the identities that its network sends. */
export type IdentityPolicy = {
  /** Best evidence first; kinds that are not named here count for nothing. */
  readonly order: readonly IdentityKind[];
  /** Realms that are no part of the name, in lower case; `all` for every realm. */
  readonly stripRealms: readonly string[] | 'all';
  /** Whether only the registered spelling is the person. */
  readonly caseSensitive: boolean;
  /** For whom a device counts that is registered to one customer while the network authenticated another. */
  readonly onConflict: 'identity' | 'device';
};

/**
 * The names to look for, in the order in which they count: of each identity as it was sent, and then without its realm.
 * Undefined where nobody was named.
 */
export function namesOf(
  identities: readonly Identity[] | undefined,
  { order, stripRealms }: IdentityPolicy,
): readonly string[] | undefined {
  if (identities === undefined) return undefined;
  let names: string[] | undefined;
  for (const kind of order) {
    for (const identity of identities) {
      if (identity.kind !== kind) continue;
      (names ??= []).push(identity.text);
      const stripped = stripRealms.length === 0 ? undefined : withoutRealm(identity.text, stripRealms);
      if (stripped !== undefined) names.push(stripped);
    }
  }
  return names;
}

/** What kind of identity it was that gave this name. */
export function kindOf(
  name: string,
  identities: readonly Identity[] | undefined,
  { stripRealms }: IdentityPolicy,
): IdentityKind | undefined {
  return identities?.find(({ text }) => text === name || withoutRealm(text, stripRealms) === name)?.kind;
}

/** `mia` of `mia@example.org` (RFC 7542, section 2.2), and of the older `EXAMPLE\\mia`; undefined without such a realm. */
function withoutRealm(name: string, realms: readonly string[] | 'all'): string | undefined {
  const at = name.lastIndexOf('@');
  const backslash = name.indexOf('\\');
  const [realm, rest] =
    at === -1
      ? [name.slice(0, Math.max(backslash, 0)), name.slice(backslash + 1)]
      : [name.slice(at + 1), name.slice(0, at)];
  if ((at === -1 && backslash === -1) || rest === '') return undefined;
  return realms === 'all' || realms.includes(realm.toLowerCase()) ? rest : undefined;
}
