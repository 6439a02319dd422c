/** Name to address. What names need is loaded only for a name. */

export { locate, lookOut } from './locate.ts';
export type { Located, Lookout } from './types.ts';
