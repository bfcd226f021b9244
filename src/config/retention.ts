import { formatDuration, parseDuration } from '../runtime/duration.ts';
import { duration } from './fields.ts';
import type { Problem } from './problem.ts';
import { section } from './section.ts';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

/** How long what is kept for each kind of data (GDPR, article 5.1 e). */
export const retentionSchema = section({
  runs: duration({ minMs: hourMs })
    .prefault('7d')
    .describe('What was observed of a visit, as `why` shows it, after its end.'),
  visits: duration({ minMs: dayMs })
    .prefault('395d')
    .describe('Visits and check-ins, after their end; at least a day longer than lateWindow.'),
  events: duration({ minMs: 3 * dayMs })
    .prefault('395d')
    .describe('The feed of events; a consumer that was away for longer starts again.'),
  learnedDevices: duration({ minMs: dayMs })
    .prefault('90d')
    .describe('Devices that registered themselves, after the last check-in that names them.'),
  audit: duration({ minMs: 30 * dayMs })
    .prefault('730d')
    .describe('Who changed or looked up what.'),
});

/** Evidence that is late but not too late must find the visit that it belongs to. */
export function retentionProblems(retention: unknown, lateWindow: unknown): readonly Problem[] {
  const visits = (retention as { readonly visits?: unknown } | null | undefined)?.visits;
  const visitsMs = typeof visits === 'string' ? parseDuration(visits) : undefined;
  const lateMs = parseDuration(typeof lateWindow === 'string' ? lateWindow : '24h');
  if (visitsMs === undefined || lateMs === undefined || visitsMs >= lateMs + dayMs) return [];
  const message = `must be at least ${formatDuration(lateMs + dayMs)}, a day longer than lateWindow, not ${visits as string}`;
  return [{ path: 'retention.visits', message }];
}
