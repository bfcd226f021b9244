import type { FastifyRequest } from 'fastify';
import { Problem } from './problem.ts';

/** The body as it comes, so that nothing of it is held before its turn has come. */
export function leaveUnread(_request: unknown, payload: NodeJS.ReadableStream): Promise<NodeJS.ReadableStream> {
  return Promise.resolve(payload);
}

/** Reads a body that was left unread, of at most so many bytes. */
export async function readBody(request: FastifyRequest, mostBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = Number(request.headers['content-length'] ?? 0);
  if (length > mostBytes) throw tooLarge(mostBytes);
  length = 0;
  try {
    for await (const chunk of request.body as AsyncIterable<Buffer>) {
      length += chunk.length;
      if (length > mostBytes) throw tooLarge(mostBytes);
      chunks.push(chunk);
    }
  } catch (error) {
    if (error instanceof Problem) throw error;
    throw new Problem(400, 'badRequest', 'the body ended before its end');
  }
  return Buffer.concat(chunks);
}

function tooLarge(mostBytes: number): Problem {
  const detail = `the body is larger than ${mostBytes / 1024 / 1024} MiB; divide the file, or use "rollcall devices import"`;
  return new Problem(413, 'bodyTooLarge', detail, { headers: { connection: 'close' } });
}
