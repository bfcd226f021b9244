import { formatDuration } from './runtime/duration.ts';
import { radiusSources, type Config } from './config/schema.ts';
import type { AccessPointHint } from './http/routes/setup.ts';
import type { HttpServerOptions } from './http/server.ts';
import type { SpaceCatalog, SpaceView } from './http/space-access.ts';
import { reachableAddresses } from './runtime/machine-addresses.ts';
import type { Space, Spaces } from './spaces/spaces.ts';

export function httpOptions({ http }: Config): HttpServerOptions {
  return {
    trustProxy: http.trustProxy,
    allowInsecure: http.allowInsecure,
    ...(http.tls === undefined ? {} : { tls: http.tls }),
    ...(http.publicUrl === undefined ? {} : { publicUrl: http.publicUrl }),
    ...(http.adminToken === undefined ? {} : { adminToken: http.adminToken.reveal() }),
  };
}

export function spaceCatalog(spaces: Spaces): SpaceCatalog {
  return {
    list: () => spaces.list().map(toSpaceView),
    get: (id) => {
      const space = spaces.get(id);
      return space && toSpaceView(space);
    },
  };
}

function toSpaceView(space: Space): SpaceView {
  return {
    id: space.id,
    name: space.name,
    timeZone: space.timeZone,
    idleTimeout: formatDuration(space.idleTimeout),
    settle: formatDuration(space.settle),
    ssids: space.ssids ?? null,
    methods: space.methods,
    requirePass: space.requirePass,
    readOnly: true,
  };
}

/** What to type into an access point. `secretFile` holds the secret when it was generated. */
export function accessPointHints(config: Config, secretFile: string | undefined): readonly AccessPointHint[] {
  return radiusSources(config).map(({ id, listen }) => ({
    sourceId: id,
    addresses: reachableAddresses(listen),
    port: listen.port,
    secretFile: secretFile ?? null,
  }));
}
