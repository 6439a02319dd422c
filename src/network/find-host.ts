import type { FindHost } from '../config/homeding-device.ts';

/** Less than the whole of what it is asked for may take: that nobody has the name is the reason then. */
const searchMs = 3000;

/** Where a host is, found as devices are for a push: by mDNS, then by the system. */
export const findHost: FindHost = async (host, { signal, interfaces }) => {
  const { locate } = await import('./index.ts');
  const options = { signal, tell: () => {}, timeoutMs: searchMs };
  const { address } = await locate({ name: host, host, interfaces }, options);
  return address;
};
