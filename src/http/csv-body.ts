import type { FastifyRequest } from 'fastify';
import { Problem } from './problem.ts';

/** The body as it comes, so that nothing of it is held before its turn has come. */
export function leaveUnread(_request: unknown, payload: NodeJS.ReadableStream): Promise<NodeJS.ReadableStream> {
  return Promise.resolve(payload);
}

/**
 * Reads a body that was left unread, of at most so many bytes. Of a longer one the rest is read too, here or by Node once
 * the answer is out: whoever sends it all before they listen would find a closed connection in the place of the answer.
 */
export async function readBody(request: FastifyRequest, mostBytes: number): Promise<Buffer> {
  if (Number(request.headers['content-length'] ?? 0) > mostBytes) throw tooLarge(mostBytes);
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of request.body as AsyncIterable<Buffer>) {
      length += chunk.length;
      if (length <= mostBytes) chunks.push(chunk);
      else chunks.length = 0;
    }
  } catch {
    throw new Problem(400, 'badRequest', 'the body ended before its end');
  }
  if (length > mostBytes) throw tooLarge(mostBytes);
  return Buffer.concat(chunks);
}

function tooLarge(mostBytes: number): Problem {
  const detail = `the body is larger than ${mostBytes / 1024 / 1024} MiB; divide the file, or use "rollcall devices import"`;
  return new Problem(413, 'bodyTooLarge', detail);
}
