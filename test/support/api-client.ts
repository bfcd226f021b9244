import { setTimeout as delay } from 'node:timers/promises';
import { noteCustomer } from './log-scan.ts';

/** What the service answered over HTTP; `body` is the parsed JSON, or the text when it is none. */
export type ApiAnswer = {
  readonly status: number;
  readonly body: unknown;
  /** How long the service asks to wait, when it answers 429. */
  readonly retryAfterMs: number;
};

export interface ApiClient {
  request(method: string, path: string, body?: unknown): Promise<ApiAnswer>;
  /** The body of a call that must succeed, repeated while the service asks for patience; otherwise an error that quotes the answer. */
  get<T>(path: string): Promise<T>;
  put<T>(path: string, body: unknown): Promise<T>;
  post<T>(path: string, body: unknown): Promise<T>;
}

export function createApiClient(baseUrl: () => string, token: string): ApiClient {
  async function request(method: string, path: string, body?: unknown): Promise<ApiAnswer> {
    if (method === 'PUT') noteCustomer(path, body);
    const response = await fetch(baseUrl() + path, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(10_000),
    });
    const text = await response.text();
    const retryAfterMs = Number(response.headers.get('retry-after') ?? 1) * 1_000;
    return { status: response.status, body: parse(text), retryAfterMs };
  }
  async function succeed<T>(method: string, path: string, body?: unknown): Promise<T> {
    let answer = await request(method, path, body);
    while (answer.status === 429) {
      await delay(answer.retryAfterMs);
      answer = await request(method, path, body);
    }
    if (answer.status < 200 || answer.status > 299)
      throw new Error(`${method} ${path} was answered ${answer.status}: ${JSON.stringify(answer.body)}`);
    return answer.body as T;
  }
  return {
    request,
    get: (path) => succeed('GET', path),
    put: (path, body) => succeed('PUT', path, body),
    post: (path, body) => succeed('POST', path, body),
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
