import { once } from 'node:events';
import { createServer } from 'node:http';
import { afterAll, describe, expect, test } from 'vitest';
import { followEvents, parseEvent } from '../../src/demo/feed.ts';

const opened = new AsyncDisposableStack();
afterAll(() => opened.disposeAsync());

describe('following the feed', () => {
  test('reads events and passes over comments', () => {
    expect(
      parseEvent('id: 7\nevent: checkin.recorded\ndata: {"sequence":7,"type":"checkin.recorded","data":{}}'),
    ).toEqual({
      sequence: 7,
      type: 'checkin.recorded',
      data: {},
    });
    expect(parseEvent(': still here')).toBeUndefined();
  });

  test('resumes after the last event when the connection ends', async () => {
    const resumedAfter: (string | undefined)[] = [];
    let sequence = 0;
    const server = createServer((request, response) => {
      resumedAfter.push(String(request.headers['last-event-id']));
      sequence += 1;
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.end(
        `: hello\n\nid: ${sequence}\ndata: {"sequence":${sequence},"type":"checkin.recorded","data":{}}\n\n`,
      );
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    opened.defer(() => void server.close());
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const stop = new AbortController();
    const sequences: number[] = [];
    for await (const event of followEvents(`http://127.0.0.1:${port}`, 'token', stop.signal)) {
      sequences.push(event.sequence);
      if (sequences.length === 3) stop.abort();
    }
    expect(sequences).toEqual([1, 2, 3]);
    expect(resumedAfter).toEqual(['0', '1', '2']);
  });
});
