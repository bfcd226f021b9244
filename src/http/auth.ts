import assert from 'node:assert/strict';
import { createHash, timingSafeEqual } from 'node:crypto';
import { BlockList, isIPv6 } from 'node:net';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Clock } from '../runtime/clock.ts';
import type { Access, Caller, Role } from './access.ts';
import { Problem } from './problem.ts';
import { createRateLimit, type Rate } from './rate-limit.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    access?: Access;
  }
  interface FastifyRequest {
    caller: Caller | null;
  }
}

/** Whose token this is; undefined when it is nobody's, or no longer good. */
export type FindCaller = (token: string) => Promise<Caller | undefined>;

export const machineRate: Rate = { perSecond: 500, burst: 1000 };
const personRate: Rate = { perSecond: 50, burst: 200 };
export const failureRate: Rate = { perSecond: 1, burst: 20 };

/** Refuses each call to a route that its caller has no role for, before the body is read. */
export function addAuthentication(
  app: FastifyInstance,
  { findCaller, clock }: { readonly findCaller: FindCaller; readonly clock: Clock },
): void {
  const callers = createRateLimit(clock);
  const failures = createRateLimit(clock);

  app.decorateRequest('caller', null);
  app.addHook('onRoute', ({ url, config }) => {
    assert(config?.access !== undefined, `the route ${url} does not say who may call it`);
  });
  app.addHook('onRequest', async (request) => {
    const access = request.routeOptions.config.access;
    if (access === undefined || access.open === 'everyone') return;
    const header = request.headers.authorization;
    if (header === undefined && access.open === 'thisMachine' && isFromThisMachine(request)) return;
    if (header === undefined && access.open === 'signed' && 'webhook-signature' in request.headers) return;

    const token = bearerToken(request);
    const caller = token === undefined ? undefined : await findCaller(token);
    if (caller === undefined) {
      // Tokens are 256 random bits, so this limits the noise, and a good token is served all the same: nobody
      // can lock an admin out by failing on purpose from the same address.
      const waitMs = header === undefined ? 0 : failures(networkOf(request.ip), failureRate);
      throw waitMs > 0 ? tooManyRequests(waitMs, 'too many calls with a wrong token') : unauthenticated(header);
    }
    const waitMs = callers(caller.tokenId, rateOf(caller.role));
    if (waitMs > 0) throw tooManyRequests(waitMs, 'too many calls with this token');
    // Set before it is refused, so that the log can name who tried.
    request.caller = caller;
    if (!access.roles.includes(caller.role)) throw forbidden(caller.role, access.roles);
  });
}

/** The caller of a route that is not open; a route that asks for one and declares none is our mistake. */
export function callerOf(request: FastifyRequest): Caller {
  assert(request.caller !== null, 'an open route has no caller');
  return request.caller;
}

/** Whose calls under /v1/me these are. An admin may make them too, and is nobody in particular. */
export function memberOf(request: FastifyRequest): string {
  const { customerId } = callerOf(request);
  if (customerId === undefined) {
    throw new Problem(404, 'noMember', 'this token belongs to no member, so there is nothing of theirs to show');
  }
  return customerId;
}

/**
 * Adds `http.adminToken` of the configuration. Compared by hash, so that neither its length nor a common beginning
 * shows in the time it takes.
 */
export function withConfiguredAdmin(findCaller: FindCaller, adminToken: string | undefined): FindCaller {
  if (adminToken === undefined) return findCaller;
  const expected = sha256(adminToken);
  const admin: Caller = { tokenId: 'config', role: 'admin' };
  return async (token) => (timingSafeEqual(sha256(token), expected) ? admin : findCaller(token));
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

/** RFC 6750, section 2.1; the scheme's name is compared without case (RFC 9110, section 11.1). */
export function bearerToken(request: FastifyRequest): string | undefined {
  return /^bearer +([\w.~+/-]{1,512}=*)$/i.exec(request.headers.authorization ?? '')?.[1];
}

function rateOf(role: Role): Rate {
  return role === 'admin' || role === 'platform' ? machineRate : personRate;
}

function unauthenticated(header: string | undefined): Problem {
  // Without credentials the challenge carries no error (RFC 6750, section 3.1).
  return header === undefined
    ? new Problem(401, 'unauthenticated', 'this call needs a bearer token', {
        headers: { 'www-authenticate': 'Bearer realm="rollcall"' },
      })
    : new Problem(401, 'invalidToken', 'the bearer token is unknown, expired or revoked', {
        headers: { 'www-authenticate': 'Bearer realm="rollcall", error="invalid_token"' },
      });
}

function forbidden(role: Role, allowed: readonly Role[]): Problem {
  return new Problem(403, 'forbidden', `a token of the role ${role} may not do this; ${allowed.join(', ')} may`, {
    headers: { 'www-authenticate': 'Bearer realm="rollcall", error="insufficient_scope"' },
  });
}

export function tooManyRequests(retryAfterMs: number, detail: string): Problem {
  return new Problem(429, 'tooManyRequests', detail, { retryAfterMs });
}

/** What one household or attacker holds: an IPv4 address, or the /64 around an IPv6 address. */
export function networkOf(address: string): string {
  if (!isIPv6(address) || address.toLowerCase().startsWith('::ffff:')) return address;
  const [head = '', tail = ''] = address.split('%')[0]?.split('::') ?? [];
  const left = head.split(':').filter((group) => group !== '');
  const right = tail.split(':').filter((group) => group !== '');
  const zeros = address.includes('::') ? Array.from({ length: 8 - left.length - right.length }, () => '0') : [];
  return `${[...left, ...zeros, ...right].slice(0, 4).join(':')}::/64`;
}

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

export function isLoopbackAddress(address: string): boolean {
  return loopback.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
}

/**
 * Whether a process on this machine asks for itself. A proxy on this machine that we were not told of speaks for
 * others, and a page that rebinds its own name to a loopback address shows that name in `Host`.
 */
export function isFromThisMachine(request: FastifyRequest): boolean {
  const host = request.hostname.replaceAll(/[[\]]/g, '');
  return !isForwarded(request) && isLoopbackAddress(request.ip) && (host === 'localhost' || isLoopbackAddress(host));
}

/** Whether the call says that somebody passed it on. */
export function isForwarded({ headers }: FastifyRequest): boolean {
  return ['forwarded', 'x-forwarded-for', 'x-real-ip', 'via'].some((name) => name in headers);
}
