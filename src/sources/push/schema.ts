import type { IdentityKind } from '../../observation/identity.ts';
import type { MacAddress } from '../../observation/mac-address.ts';
import type { ObservationKind } from '../../observation/observation.ts';

/** One entry of a batch, each value of the right kind; a station, an identity, or that identity on that station. */
export type PushedItem = {
  readonly kind: ObservationKind;
  readonly mac?: MacAddress | undefined;
  readonly identity?: string | undefined;
  /** Where the identity was read; `portal` when left out. */
  readonly identityKind?: IdentityKind | undefined;
  /** Epoch milliseconds; when the batch was sent, when left out. */
  readonly at?: number | undefined;
  readonly accessPoint?: string | undefined;
  readonly ssid?: string | undefined;
  /** In any spelling. */
  readonly ipAddress?: string | undefined;
  readonly hostname?: string | undefined;
};
