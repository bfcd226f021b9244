import ipaddr from 'ipaddr.js';
import { z } from 'zod';
import { formatDuration, parseDuration } from '../runtime/duration.ts';
import { isPlainText, plainTextRule } from '../runtime/plain-text.ts';
import { parseWebhookSecret } from '../runtime/standard-webhooks.ts';
import { formatListen, parseListen, type ListenAddress } from './listen.ts';
import { Secret, secretUrl } from './secret.ts';

/**
 * The kinds of value a configuration is made of. All of them are codecs, so that one schema reads the file
 * (`decode`) and writes what `config print` shows (`encode`).
 */

/** One line of text that must say something. */
export function text() {
  return z.string().trim().min(1, 'must not be empty').refine(isPlainText, plainTextRule);
}

/** An id, case-folded, so that `HQ` and `hq` are the same space. */
export function id() {
  return z
    .string()
    .trim()
    .toLowerCase()
    .regex(
      /^[a-z0-9][a-z0-9._@+-]{0,127}$/,
      'must be 1 to 128 characters: a letter or digit, then letters, digits, or any of . _ @ + -',
    );
}

/** `15m` in the file, milliseconds inside. */
export function duration(options: { readonly minMs?: number } = {}) {
  const minMs = options.minMs ?? 0;
  return z.codec(z.string(), z.number(), {
    decode: (value, context) => {
      const durationMs = parseDuration(value);
      if (durationMs === undefined)
        return refuse(context, value, `"${value}" is not a duration such as 90s, 15m or 24h`);
      if (durationMs < minMs) return refuse(context, value, `must be at least ${formatDuration(minMs)}, not ${value}`);
      return durationMs;
    },
    encode: formatDuration,
  });
}

/** Text that nobody but its user may see. */
export function secret() {
  return z.codec(z.string().min(1, 'must not be empty'), z.instanceof(Secret), {
    decode: (value) => new Secret(value),
    encode: (value) => value.toString(),
  });
}

/** A secret that messages are signed with, as Standard Webhooks writes it. */
export function webhookSecret() {
  return z.codec(z.string(), z.instanceof(Secret), {
    decode: (value, context) =>
      // The value is a secret, so the message must not repeat it.
      parseWebhookSecret(value) === undefined ? refuse(context, '', webhookSecretForm) : new Secret(value),
    encode: (value) => value.toString(),
  });
}

const webhookSecretForm =
  'must be whsec_ and 24 to 64 random bytes in base64; make one by: echo "whsec_$(openssl rand -base64 32)"';

/** A connection URL, which may hold a password. */
export function connectionUrl(...schemes: readonly string[]) {
  return z.codec(z.string(), z.instanceof(Secret), {
    decode: (value, context) => {
      const scheme = URL.parse(value)?.protocol.slice(0, -1);
      if (scheme !== undefined && schemes.includes(scheme)) return secretUrl(value);
      // The value may hold a password, so the message must not repeat it.
      return refuse(context, '', `must be a URL that begins with ${schemes.map((name) => `${name}://`).join(' or ')}`);
    },
    encode: (value) => value.toString(),
  });
}

/** `0.0.0.0:1813` or `[::]:1813`. */
export function listen() {
  return z.codec(z.string(), z.custom<ListenAddress>(), {
    decode: (value, context) =>
      parseListen(value) ??
      refuse(context, value, `"${value}" is not an address and a port such as 127.0.0.1:8080 or [::1]:8080`),
    encode: formatListen,
  });
}

/** An address range; a single address becomes a range of one. Always `address/length` inside. */
export function addressRange() {
  return z.codec(z.string(), z.string(), {
    decode: (value, context) => {
      const range = value.trim();
      if (ipaddr.isValidCIDR(range)) {
        const [address, length] = ipaddr.parseCIDR(range);
        const family = address.kind() === 'ipv4' ? ipaddr.IPv4 : ipaddr.IPv6;
        const network = `${family.networkAddressFromCIDR(range).toString()}/${length}`;
        if (`${address.toString()}/${length}` === network) return network;
        return refuse(
          context,
          value,
          `"${range}" has bits set beyond its length; write ${network} or ${address.toString()}`,
        );
      }
      if (ipaddr.IPv4.isValidFourPartDecimal(range)) return `${range}/32`;
      if (ipaddr.IPv6.isValid(range)) return `${ipaddr.IPv6.parse(range).toString()}/128`;
      return refuse(context, value, `"${value}" is not an address range such as 192.0.2.0/24`);
    },
    encode: (value) => value,
  });
}

/** Reports a problem in the form that zod wants inside a codec. */
function refuse(context: z.core.ParsePayload, input: unknown, message: string): never {
  context.issues.push({ code: 'custom', input, message });
  return z.NEVER;
}
