import type { FastifyRequest } from 'fastify';
import { failureRate, machineRate, networkOf, tooManyRequests } from './auth.ts';
import { Problem } from './problem.ts';
import type { RateLimit } from './rate-limit.ts';
import { rawBodyOf } from './raw-body.ts';
import {
  readWebhookSignature,
  timestampTolerance,
  type WebhookFault,
  type WebhookSignature,
} from '../runtime/standard-webhooks.ts';

/** Who can tell whether a batch was signed with their secret. */
export type SignatureTarget = {
  readonly id: string;
  isGenuine(signature: WebhookSignature, body: Uint8Array, senderAddress: string): boolean;
};

export type SignatureLimits = {
  /** By source, once the signature is known to be good. */
  readonly callers: RateLimit;
  /** By the network that wrong signatures come from. A good one is served all the same. */
  readonly failures: RateLimit;
};

export function isSigned(request: FastifyRequest): boolean {
  return 'webhook-signature' in request.headers;
}

/**
 * Answers when the batch was signed, epoch milliseconds. Whoever has no token learns nothing about which sources there
 * are: an unknown one, one without a secret, and a wrong signature are refused alike.
 */
export function admitSigned(
  request: FastifyRequest,
  target: SignatureTarget | undefined,
  now: number,
  { callers, failures }: SignatureLimits,
): number {
  const signature = readWebhookSignature(request.headers, now);
  const isGood = typeof signature !== 'string' && target?.isGenuine(signature, rawBodyOf(request), request.ip) === true;
  if (!isGood || target === undefined) {
    const waitMs = failures(networkOf(request.ip), failureRate);
    if (waitMs > 0) throw tooManyRequests(waitMs, 'too many calls with a wrong signature');
    throw refused(typeof signature === 'string' ? faults[signature] : wrong);
  }
  const waitMs = callers(target.id, machineRate);
  if (waitMs > 0) throw tooManyRequests(waitMs, 'too many calls for this source');
  return signature.sentAt;
}

/** A batch without a signature, for a source that has a secret. */
export function signatureRequired(): Problem {
  return refused([
    'signatureRequired',
    'this source takes only batches that are signed with its secret: webhook-id, webhook-timestamp, webhook-signature',
  ]);
}

type Refusal = readonly [code: string, detail: string];

const wrong: Refusal = [
  'invalidSignature',
  'no source of this id takes this signature: check sourceId and its secret, and sign the very bytes that are sent',
];

const faults: Readonly<Record<WebhookFault, Refusal>> = {
  noId: ['invalidSignature', 'webhook-id: is missing or empty'],
  noTimestamp: ['invalidSignature', 'webhook-timestamp: must be the time of sending in seconds since 1970'],
  noSignature: ['invalidSignature', 'webhook-signature: must hold a signature that begins with v1,'],
  notFromNow: [
    'signatureExpired',
    `webhook-timestamp: is more than ${timestampTolerance / 60_000} minutes off; set the clock of the sender, and sign anew when sending again`,
  ],
};

function refused([code, detail]: Refusal): Problem {
  return new Problem(401, code, detail, { headers: { 'www-authenticate': 'Webhook-Signature realm="rollcall"' } });
}
