import { z } from 'zod';
import { everyone } from '../access.ts';
import { isFromThisMachine, networkOf, tooManyRequests } from '../auth.ts';
import { Problem } from '../problem.ts';
import { createRateLimit, type Rate } from '../rate-limit.ts';
import type { Routes } from '../route.ts';
import type { Registry } from '../../identity/registry.ts';
import { createToken } from '../../identity/tokens.ts';
import type { SetupCode } from '../setup-code.ts';

/** What to type into an access point; the secret itself stays in its file. */
export type AccessPointHint = {
  readonly sourceId: string;
  /** Addresses of this machine that access points may reach; empty when nobody can tell. */
  readonly addresses: readonly string[];
  readonly port: number;
  /** Where a generated secret lies; null when the configuration holds it. */
  readonly secretFile: string | null;
};

export type SetupPorts = {
  readonly registry: Registry;
  readonly setup: {
    readonly code: SetupCode;
    readonly accessPoints: () => readonly AccessPointHint[];
  };
};

const perNetwork: Rate = { perSecond: 0.1, burst: 5 };
const overall: Rate = { perSecond: 1, burst: 30 };

export function addSetup(
  app: Routes,
  { registry: { db, clock }, setup }: SetupPorts,
  { allowInsecure, setupIsOpen }: { readonly allowInsecure: boolean; readonly setupIsOpen: () => Promise<boolean> },
): void {
  const attempts = createRateLimit(clock);

  app.route({
    method: 'POST',
    url: '/v1/setup',
    config: { access: everyone, audit: 'token.create', failures: [403, 429] },
    schema: {
      summary: 'Exchanges the one-time code of the set-up link for the first admin token',
      tags: ['setup'],
      body: z.strictObject({ code: z.string().min(1).max(100) }),
      response: {
        201: z.object({
          token: z.string().describe('A bearer token of the role admin; shown here and never again'),
          accessPoints: z.array(
            z.object({
              sourceId: z.string(),
              addresses: z.array(z.string()).readonly(),
              port: z.int(),
              secretFile: z.string().nullable(),
            }),
          ),
        }),
      },
    },
    handler: async (request, reply) => {
      const waitMs = attempts(networkOf(request.ip), perNetwork) || attempts('', overall);
      if (waitMs > 0) throw tooManyRequests(waitMs, 'too many tries');
      // The answer is a credential, so it does not cross a network in clear unless that was asked for.
      if (request.protocol !== 'https' && !isFromThisMachine(request) && !allowInsecure) {
        throw new Problem(
          403,
          'insecureTransport',
          'use https, or set http.allowInsecure, or open the link on the machine that runs Rollcall',
        );
      }
      const made = await setup.code.redeem(request.body.code, async () => {
        if (!(await setupIsOpen())) throw new Problem(403, 'setupDone', 'there is an admin already');
        return createToken(db, clock, { role: 'admin', name: 'set-up link' });
      });
      if (made === undefined) {
        throw new Problem(
          403,
          'codeNotValid',
          'this code is wrong, was used, or is older than an hour; start Rollcall again to get a new one',
        );
      }
      const { token } = made;
      return reply.code(201).send({
        token,
        accessPoints: [...setup.accessPoints()],
      });
    },
  });
}
