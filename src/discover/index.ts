/** Name to address, and which address of this host the device sees. What names need is loaded only for a name. */

export { hostAddressFor } from './host-address.ts';
export { locate, type Located } from './locate.ts';
