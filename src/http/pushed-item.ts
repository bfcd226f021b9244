import { isIP } from 'node:net';
import { z } from 'zod';
import { instant } from './fields.ts';
import { macField } from './mac-field.ts';
import { identityKinds } from '../observation/identity.ts';
import { isPlainText, plainTextRule } from '../runtime/plain-text.ts';

/** As long as a RADIUS attribute can be. */
const longestName = 253;

/** Whom somebody is said to be. It is compared letter by letter, so nothing in it may be dropped without notice. */
const identityField = z
  .string()
  .trim()
  .min(1, { error: 'must not be empty', abort: true })
  .refine((text) => Buffer.byteLength(text) <= longestName, `must be at most ${longestName} bytes long`)
  .refine(isPlainText, plainTextRule);

function name(longest: number) {
  return z.string().min(1, 'must not be empty').max(longest, `must be at most ${longest} characters long`);
}

/** One entry of a batch of observations. */
export const pushedItemSchema = z
  .strictObject({
    kind: z
      .enum(['associated', 'active', 'left'])
      .describe('It joined or is joined; it was heard doing something; it is said to have gone'),
    mac: macField.optional(),
    identity: identityField.optional().describe('Who it is, as that person is called in `identities` of a customer'),
    identityKind: z
      .enum(identityKinds)
      .optional()
      .describe('Where the identity was read; portal when left out. The space says which kinds count'),
    at: instant.optional().describe('When it happened; when the batch was sent, when left out'),
    accessPoint: name(longestName).optional(),
    ssid: name(64).optional(),
    ipAddress: z
      .string()
      .max(45)
      .refine((text) => isIP(text) !== 0 && !text.includes('%'), 'is not an address such as 192.0.2.7 or 2001:db8::7')
      .optional()
      .describe('The network address that the device has'),
    hostname: name(longestName).optional().describe('What the device calls itself; a hint for people'),
  })
  .superRefine(({ mac, identity, identityKind }, context) => {
    if (mac === undefined && identity === undefined) {
      context.addIssue({ code: 'custom', path: ['mac'], message: 'give a mac, an identity, or both' });
    }
    if (identityKind !== undefined && identity === undefined) {
      context.addIssue({
        code: 'custom',
        path: ['identityKind'],
        message: 'says where an identity was read; there is none',
      });
    }
  })
  .meta({ id: 'PushedObservation' });

export type PushedObservation = z.output<typeof pushedItemSchema>;
