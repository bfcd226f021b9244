import { z } from 'zod';
import type { Customer } from '../identity/customers.ts';
import { endOfDay } from '../spaces/local-day.ts';
import { instant } from './fields.ts';
import { fieldProblem } from './problem.ts';
import type { SpaceCatalog } from './space-access.ts';
import type { ExportPerson } from './person-export.ts';

/** What people decide about themselves, and what follows from it. */
export type PrivacyPorts = {
  readonly spaces: SpaceCatalog;
  readonly privacy: {
    /** Whether anything may be kept of the customer now. */
    readonly isTracked: (customerId: string) => boolean;
    /** Resolves when nothing of the customer's presence is left. */
    readonly withdraw: (customerId: string) => Promise<void>;
    /** Resolves when nothing of the customer is left; false when there is no such customer. */
    readonly erase: (customerId: string) => Promise<boolean>;
    readonly exportPerson: ExportPerson;
    /** The space in which somebody is now. */
    readonly presentIn: (customerId: string) => Promise<string | undefined>;
  };
};

const longestPauseMs = 30 * 86_400_000;

export const privacyFields = {
  shareName: z.boolean().optional().describe('Whether the customer may be named on walls and the like; never assumed'),
  hidden: z.boolean().optional().describe('Named as "Hidden member" to everybody but admins and the front desk'),
  pausedUntil: z
    .union([z.literal('today'), instant], { error: 'must be an ISO 8601 instant, "today", or null' })
    .nullish()
    .describe(
      'Until then, at most 30 days ahead, nothing is kept of the customer; `today`: until the day is over where they are. Null ends it',
    ),
} as const;

/** Epoch milliseconds; throws a problem for a time that is over, or too far away. */
export async function readPause(
  { spaces, privacy }: PrivacyPorts,
  customerId: string,
  asked: 'today' | number | null | undefined,
  now: number,
): Promise<number | null | undefined> {
  if (asked === undefined || asked === null) return asked;
  if (asked === 'today') {
    const here = await privacy.presentIn(customerId);
    const space = here === undefined ? spaces.list()[0] : spaces.get(here);
    return endOfDay(now, space?.timeZone ?? 'UTC');
  }
  if (asked <= now) throw fieldProblem(400, 'invalidRequest', 'pausedUntil', 'is over already');
  if (asked > now + longestPauseMs) {
    throw fieldProblem(
      400,
      'invalidRequest',
      'pausedUntil',
      'lies more than 30 days ahead; to stop for good, set optedIn to false',
    );
  }
  return asked;
}

/** A pause that is over is none. */
export function toCustomerView(customer: Customer, now: number): Customer {
  return customer.pausedUntil !== null && customer.pausedUntil <= now ? { ...customer, pausedUntil: null } : customer;
}
