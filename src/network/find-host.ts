import type { FindHost } from '../config/homeding-device.ts';

/** Where a host is, found as devices are for a push: by mDNS, then by the system. */
export const findHost: FindHost = async (host, signal) => {
  const { locate } = await import('./index.ts');
  const { address } = await locate({ name: host, host, interfaces: [] }, { signal, tell: () => {} });
  return address;
};
