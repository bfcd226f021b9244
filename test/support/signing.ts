import { Webhook } from 'standardwebhooks';

/** A secret as an admin would make one, for the tests alone. */
export const signingSecret = 'whsec_cm9sbGNhbGwtdGVzdC1zZWNyZXQtb2YtMzItYnl0ZXM=';

/** The headers that the reference library of Standard Webhooks makes for a body sent at `at`, epoch milliseconds. */
export function signedHeaders(
  body: string,
  at: number,
  { secret = signingSecret, id = 'msg_1' }: { readonly secret?: string; readonly id?: string } = {},
): Record<string, string> {
  return {
    'content-type': 'application/json',
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(at / 1000)),
    'webhook-signature': new Webhook(secret).sign(id, new Date(at), body),
  };
}
