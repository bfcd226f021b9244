import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Child } from './child.ts';
import { freePort } from './free-port.ts';

/** A real FreeRADIUS that passes accounting on to a home server, as a proxy in front of the service does. */
export interface FreeRadiusProxy extends AsyncDisposable {
  readonly port: number;
  readonly log: string;
}

export type FreeRadiusOptions = {
  /** What access points share with the proxy. */
  readonly clientSecret: string;
  readonly homePort: number;
  readonly homeSecret: string;
};

export async function startFreeRadius(options: FreeRadiusOptions): Promise<FreeRadiusProxy> {
  const dir = await mkdtemp(join(tmpdir(), 'rollcall-freeradius-'));
  const port = await freePort();
  await writeFile(join(dir, 'dictionary'), '');
  await writeFile(join(dir, 'radiusd.conf'), configuration(dir, port, options), { mode: 0o600 });
  const child = new Child('freeradius', ['-f', '-l', 'stdout', '-x', '-x', '-d', dir, '-n', 'radiusd']);
  await child.until('ready', () => child.log.includes('Ready to process requests'));
  return {
    port,
    get log() {
      return child.log;
    },
    async [Symbol.asyncDispose]() {
      await child.stop();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

/** As little as an accounting proxy needs: the realm is set for whatever comes in, and nothing is done on the way back. */
function configuration(dir: string, port: number, options: FreeRadiusOptions): string {
  return `
prefix = ${dir}
raddbdir = ${dir}
logdir = ${dir}
run_dir = ${dir}
libdir = /usr/lib/freeradius
pidfile = ${dir}/freeradius.pid
max_request_time = 10
cleanup_delay = 2
max_requests = 1024
proxy_requests = yes
security {
  allow_core_dumps = no
}
thread pool {
  start_servers = 1
  max_servers = 2
  min_spare_servers = 1
  max_spare_servers = 1
}
client access-points {
  ipaddr = 127.0.0.1
  secret = ${options.clientSecret}
}
modules {
  always ok {
    rcode = ok
  }
}
proxy server {
  default_fallback = no
}
home_server rollcall {
  type = acct
  ipaddr = 127.0.0.1
  port = ${options.homePort}
  secret = ${options.homeSecret}
  response_window = 3
  status_check = status-server
}
home_server_pool rollcall {
  type = fail-over
  home_server = rollcall
}
realm rollcall {
  acct_pool = rollcall
  nostrip
}
server accounting {
  listen {
    type = acct
    ipaddr = 127.0.0.1
    port = ${port}
  }
  preacct {
    update control {
      Proxy-To-Realm := "rollcall"
    }
  }
  accounting {
    ok
  }
}
`;
}
