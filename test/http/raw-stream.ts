import { request, type IncomingMessage } from 'node:http';
import { adminToken } from './world.ts';

export type RawStreamOptions = {
  readonly token?: string;
  readonly query?: string;
  readonly lastEventId?: string;
};

/** An event stream byte by byte, which also shows comments, ids without data, and how it ended. */
export class RawStream implements Disposable {
  readonly response: IncomingMessage;
  readonly ended: Promise<void>;
  text = '';
  readonly #watchers = new Set<() => void>();

  static open(url: string, { token = adminToken, query = '', lastEventId }: RawStreamOptions = {}): Promise<RawStream> {
    return new Promise((resolve, reject) => {
      const headers = {
        accept: 'text/event-stream',
        authorization: `Bearer ${token}`,
        ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }),
      };
      const call = request(`${url}/v1/events${query}`, { headers, agent: false }, (response) => {
        resolve(new RawStream(response));
      });
      call.on('error', reject).end();
    });
  }

  constructor(response: IncomingMessage) {
    this.response = response;
    response.setEncoding('utf8').on('data', (chunk: string) => {
      this.text += chunk;
      for (const watch of this.#watchers) watch();
    });
    this.ended = new Promise((resolve) => response.once('close', () => resolve()));
    response.on('error', () => undefined);
  }

  /** Sequences of the events that came, in the order in which they came. */
  get sequences(): readonly number[] {
    return [...this.text.matchAll(/^id: (\d+)\nevent: /gm)].map((match) => Number(match[1]));
  }

  /** Resolves once what came so far satisfies the condition. */
  until(condition: (stream: this) => boolean): Promise<void> {
    return new Promise((resolve) => {
      const watch = () => {
        if (!condition(this)) return;
        this.#watchers.delete(watch);
        resolve();
      };
      this.#watchers.add(watch);
      watch();
    });
  }

  [Symbol.dispose](): void {
    this.response.destroy();
  }
}
