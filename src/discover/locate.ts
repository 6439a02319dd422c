/** Name to address, for a push. */

import { isIPv4, isIPv6 } from 'node:net';
import { cancelled } from '../errors.ts';
import { choosePort } from './port.ts';
import type { Located, LocateOptions, LocateRequest } from './types.ts';

/**
 * Finds where the device is now; nothing is remembered from an earlier run. An address is taken as it is, without a
 * packet and without loading what names need.
 *
 * @throws `NAME_NOT_RESOLVED` where nobody answers for the name, or two answers contradict each other; `CONFIG_INVALID`
 *   for an interface that does not exist or a host that is neither address nor name.
 */
export async function locate(request: LocateRequest, options: LocateOptions): Promise<Located> {
  if (options.signal.aborted) throw cancelled(options.signal);
  const { host, port: configured, platform } = request;
  // Compiling Node's expression for IPv6 takes 4 ms: only for what may be such an address.
  if (!isIPv4(host) && !(host.includes(':') && isIPv6(host))) {
    const { resolveName } = await import('./resolve-name.ts');
    return await resolveName(request, options);
  }
  const port = choosePort({ configured, platform });
  return {
    address: host,
    via: 'config',
    ...(port === undefined ? {} : { port }),
    ...(platform === undefined ? {} : { platform }),
  };
}
