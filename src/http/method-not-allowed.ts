import type { FastifyInstance, HTTPMethods } from 'fastify';
import { everyone } from './access.ts';
import { Problem } from './problem.ts';

const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const satisfies readonly HTTPMethods[];

/**
 * Answers 405 with `Allow` (RFC 9110, section 15.5.6) for the methods that a known address does not have. The router
 * itself would say 404, which sends people looking for a typing error in the address. Called before the first route;
 * what it returns is called after the last.
 */
export function collectMethods(app: FastifyInstance): (scope: FastifyInstance) => void {
  const known = new Map<string, Set<string>>();
  let complete = false;
  app.addHook('onRoute', ({ url, method }) => {
    if (complete) return;
    const allowed = known.get(url) ?? new Set();
    for (const each of [method].flat()) allowed.add(each);
    known.set(url, allowed);
  });
  return (scope) => {
    complete = true;
    for (const [url, allowed] of known) {
      const allow = methods.filter((method) => allowed.has(method)).join(', ');
      scope.route({
        method: methods.filter((method) => !allowed.has(method)),
        url,
        schema: { hide: true },
        config: { access: everyone, audit: { none: 'is refused' } },
        handler: async ({ method }) => {
          throw new Problem(405, 'methodNotAllowed', `${method} is not a method of this address; it has ${allow}`, {
            headers: { allow },
          });
        },
      });
    }
  };
}
