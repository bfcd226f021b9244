import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A directory of one's own, gone with everything in it when disposed. */
export class TempDir implements AsyncDisposable {
  readonly path = mkdtempSync(join(tmpdir(), 'rollcall-test-'));

  file(...names: readonly string[]): string {
    return join(this.path, ...names);
  }

  async [Symbol.asyncDispose]() {
    await rm(this.path, { recursive: true, force: true, maxRetries: 5 });
  }
}
