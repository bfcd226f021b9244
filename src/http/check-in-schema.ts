import { z } from 'zod';
import { checkInStates, checkOutReasons, failureReasons, methods, type CheckIn } from '../checkins/check-in.ts';
import { toCheckInJson } from '../outputs/event-json.ts';

const method = z.enum(methods);
const instantText = z.string().meta({ format: 'date-time' });

/** A check-in as `toCheckInJson` renders it, for this API and for events alike. */
export const checkInSchema = z
  .object({
    id: z.string(),
    customerId: z.string(),
    spaceId: z.string(),
    state: z.enum(checkInStates),
    method: method.describe('How the person came in'),
    methods: z.array(method).readonly().describe('Every way in which they were seen'),
    startedAt: instantText,
    endedAt: instantText.nullable().describe('The last activity, not the moment at which it was noticed'),
    lastActivityAt: instantText,
    detectedAt: instantText.nullable().describe('When the end, or the failure, was decided'),
    checkOutMethod: method.nullable(),
    checkOutReason: z.enum(checkOutReasons).nullable(),
    failureReason: z.enum(failureReasons).nullable(),
    passId: z.string().nullable(),
    planId: z.string().nullable(),
    devices: z.array(z.string()).readonly().describe('Ids of the devices that were seen'),
  })
  .meta({ id: 'CheckIn' });

export type CheckInView = z.output<typeof checkInSchema>;

/** The instants that are never null in a check-in are never null when rendered, which the renderer's type leaves open. */
export function toCheckInView(checkIn: CheckIn): CheckInView {
  return toCheckInJson(checkIn);
}
