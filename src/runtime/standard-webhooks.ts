import { createHmac, timingSafeEqual } from 'node:crypto';

/**
 * Signed messages as Standard Webhooks 1.0 has them: an HMAC-SHA-256 over `id.timestamp.body`, in base64 behind `v1,`.
 * Several signatures are separated by spaces, so that a secret can be changed without a gap.
 */

/** How far the sender's clock and ours may be apart. */
export const timestampTolerance = 5 * 60_000;

const shortestKey = 24;
const longestKey = 64;

/** The key in a secret such as `whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw`: 24 to 64 bytes in base64; undefined for other text. */
export function parseWebhookSecret(text: string): Buffer | undefined {
  const encoded = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(text)?.[1];
  if (encoded === undefined) return undefined;
  const key = Buffer.from(encoded, 'base64');
  const isWhole = key.toString('base64') === encoded;
  return isWhole && key.length >= shortestKey && key.length <= longestKey ? key : undefined;
}

/** What the headers of a signed message say. */
export type WebhookSignature = {
  readonly id: string;
  /** As it was sent, which is what was signed. */
  readonly timestamp: string;
  /** The same, epoch milliseconds. */
  readonly sentAt: number;
  readonly signatures: readonly string[];
};

/** Why there is nothing to verify: a header is missing or not as it must be, or the message is not from now. */
export type WebhookFault = 'noId' | 'noTimestamp' | 'noSignature' | 'notFromNow';

type Headers = Readonly<Record<string, string | readonly string[] | undefined>>;

/** Reads `webhook-id`, `webhook-timestamp` and `webhook-signature`. `now` is epoch milliseconds. */
export function readWebhookSignature(headers: Headers, now: number): WebhookSignature | WebhookFault {
  const { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signatures } = headers;
  if (typeof id !== 'string' || id === '') return 'noId';
  if (typeof timestamp !== 'string' || !/^\d{1,12}$/.test(timestamp)) return 'noTimestamp';
  if (typeof signatures !== 'string' || !signatures.includes('v1,')) return 'noSignature';
  const sentAt = Number(timestamp) * 1000;
  if (Math.abs(now - sentAt) > timestampTolerance) return 'notFromNow';
  return { id, timestamp, sentAt, signatures: signatures.split(' ') };
}

/** Whether one of the signatures was made with one of the keys over these very bytes, in constant time for each pair. */
export function isSignedBy(
  keys: readonly Buffer[],
  { id, timestamp, signatures }: Omit<WebhookSignature, 'sentAt'>,
  body: Uint8Array,
): boolean {
  const given = signatures.flatMap((signature) => {
    const bytes = signature.startsWith('v1,') ? Buffer.from(signature.slice(3), 'base64') : Buffer.alloc(0);
    return bytes.length === 32 ? [bytes] : [];
  });
  return keys.some((key) => {
    const expected = digest(key, { id, timestamp }, body);
    return given.some((bytes) => timingSafeEqual(bytes, expected));
  });
}

/** The value of `webhook-signature` for one key. `timestamp` is epoch seconds. */
export function signWebhook(
  key: Buffer,
  head: { readonly id: string; readonly timestamp: number },
  body: Uint8Array,
): string {
  return `v1,${digest(key, { id: head.id, timestamp: String(head.timestamp) }, body).toString('base64')}`;
}

function digest(
  key: Buffer,
  { id, timestamp }: { readonly id: string; readonly timestamp: string },
  body: Uint8Array,
): Buffer {
  return createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body).digest();
}
