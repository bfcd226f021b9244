/** Identities compare without case (interface.md), and without regard to how a letter with an accent is encoded. */
export function foldIdentity(identity: string): string {
  return identity.toLowerCase().normalize('NFC');
}
