import { seesSpace, type Caller } from './access.ts';
import { fieldProblem, type Problem } from './problem.ts';

/** A space as callers see it; durations as the configuration spells them. */
export type SpaceView = {
  readonly id: string;
  readonly name: string;
  readonly timeZone: string;
  readonly idleTimeout: string;
  readonly settle: string;
  readonly ssids: readonly string[] | null;
  readonly methods: readonly string[];
  readonly requirePass: boolean;
  /** Spaces of the configuration file can't be changed over HTTP. */
  readonly readOnly: boolean;
};

export interface SpaceCatalog {
  list(): readonly SpaceView[];
  get(id: string): SpaceView | undefined;
}

/** The spaces of a call: the one that it names, or all that its caller sees. A foreign one is an unknown one. */
export function spacesFor(caller: Caller, catalog: SpaceCatalog, asked: string | undefined): readonly SpaceView[] {
  if (asked === undefined) return catalog.list().filter(({ id }) => seesSpace(caller, id));
  const space = catalog.get(asked);
  if (space === undefined || !seesSpace(caller, asked)) throw unknownSpace('spaceId');
  return [space];
}

export function unknownSpace(path: string): Problem {
  return fieldProblem(404, 'unknownSpace', path, 'there is no such space');
}

export function unknownCustomer(path: string): Problem {
  return fieldProblem(404, 'unknownCustomer', path, 'there is no such customer');
}
