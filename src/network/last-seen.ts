/**
 * Where devices were found last. What it says is a hint and no more: the address is asked, over mDNS, whether it still has
 * the name. Without it there is no hint.
 */
export interface LastSeen {
  addressOf(host: string): string | undefined;
  /** The device at this address has the name, and no second one does. */
  remember(host: string, address: string): void;
}
