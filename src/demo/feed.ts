import { setTimeout as delay } from 'node:timers/promises';

/** An event as the feed carries it, down to what the demo shows. */
export type FeedEvent = {
  readonly sequence: number;
  readonly type: string;
  readonly data: {
    readonly customerId?: string;
    readonly customerName?: string;
    readonly startedAt?: string;
    readonly endedAt?: string | null;
    readonly failureReason?: string | null;
  };
};

const AGAIN_AFTER_MS = 250;
/** An event is a few hundred bytes; what is larger without an end is not one. */
const LONGEST_EVENT = 1_000_000;

/** Follows `GET /v1/events` and resumes after the last event seen whenever the connection ends, until told to stop. */
export async function* followEvents(url: string, token: string, signal: AbortSignal): AsyncGenerator<FeedEvent> {
  let last = 0;
  while (!signal.aborted) {
    try {
      for await (const event of connectOnce(url, token, last, signal)) {
        last = event.sequence;
        yield event;
      }
      await delay(AGAIN_AFTER_MS, undefined, { signal });
    } catch {
      // The service restarts or the demo ends; the loop's condition tells them apart.
      if (!signal.aborted) await delay(AGAIN_AFTER_MS);
    }
  }
}

async function* connectOnce(url: string, token: string, after: number, signal: AbortSignal): AsyncGenerator<FeedEvent> {
  const headers = { accept: 'text/event-stream', authorization: `Bearer ${token}`, 'last-event-id': String(after) };
  const response = await fetch(`${url}/v1/events`, { headers, signal });
  if (!response.ok || response.body === null) throw new Error(`the feed was answered ${response.status}`);
  let text = '';
  const decoder = new TextDecoder();
  for await (const chunk of response.body) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length > LONGEST_EVENT) throw new Error('the feed sent an event without an end');
    const blocks = text.split('\n\n');
    text = blocks.pop() ?? '';
    for (const block of blocks) {
      const event = parseEvent(block);
      if (event !== undefined) yield event;
    }
  }
}

/** One block of Server-Sent Events; undefined for comments that only keep the connection alive. */
export function parseEvent(block: string): FeedEvent | undefined {
  const lines = block.split('\n').filter((line) => line.startsWith('data:'));
  if (lines.length === 0) return undefined;
  const event = JSON.parse(lines.map((line) => line.slice('data:'.length).trimStart()).join('\n')) as FeedEvent;
  return typeof event.sequence === 'number' ? event : undefined;
}
