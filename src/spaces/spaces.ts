import type { SpaceConfig } from '../config/schema.ts';

/** A place that people check in to. */
export type Space = SpaceConfig & {
  readonly name: string;
  /** Whether being on this network is being here. A source that names no SSID is believed to watch the right one. */
  counts(ssid: string | undefined): boolean;
};

/** The spaces there are. */
export class Spaces {
  readonly #spaces: ReadonlyMap<string, Space>;

  constructor(settings: readonly SpaceConfig[]) {
    this.#spaces = new Map(settings.map((space) => [space.id, toSpace(space)]));
  }

  get(id: string): Space | undefined {
    return this.#spaces.get(id);
  }

  /** In the order in which they were configured. */
  list(): readonly Space[] {
    return [...this.#spaces.values()];
  }
}

function toSpace(settings: SpaceConfig): Space {
  const listed = settings.ssids && new Set(settings.ssids);
  return {
    ...settings,
    name: settings.name ?? settings.id,
    counts: (ssid) => ssid === undefined || listed === undefined || listed.has(ssid),
  };
}
