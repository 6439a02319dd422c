/** Name to address, and which address of this host the device sees. What names need is loaded only for a name. */

export { checkHost, hostAddressFor } from './host-address.ts';
export { locate, lookOut } from './locate.ts';
export type { Located, Lookout } from './types.ts';
