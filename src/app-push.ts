import type { ObservationPorts } from './http/routes/observations.ts';
import { PushSource } from './sources/push/source.ts';
import type { Source } from './sources/source.ts';

/** The sources as `POST /v1/observations` finds them. */
export function findSourceAmong(sources: readonly Source[]): ObservationPorts['findSource'] {
  const byId = new Map(
    sources.map((source) => {
      const { type, spaceId } = source;
      return [source.id, { type, spaceId, target: source instanceof PushSource ? source : undefined }];
    }),
  );
  return (id) => byId.get(id);
}
