/** Whether anybody in this computer's own network has an address: the system has asked when something was sent to it. */

import { isIPv4 } from 'node:net';
import type { HostSource } from './source.ts';

/** Undefined: the system was not asked, or does not say; also for an address that is behind a router. */
export async function neighbourAt(
  source: HostSource,
  address: string,
): Promise<'present' | 'absent' | undefined> {
  if (!isIPv4(address)) return undefined;
  switch (source.platform) {
    case 'linux':
      return ofTable((await source.readFile('/proc/net/arp')) ?? '', address);
    case 'darwin':
      return ofArp((await source.run(['arp', '-n', address]))?.output ?? '');
    case 'win32':
      return ofArp((await source.run(['arp', '-a', address]))?.output ?? '');
    default:
      return undefined;
  }
}

/** `192.0.2.7  0x1  0x2  aa:bb:cc:dd:ee:ff  *  eth0`: flags 0x0 are an address that nobody has answered for. */
function ofTable(table: string, address: string): 'present' | 'absent' | undefined {
  const row = table.split('\n').find((line) => line.startsWith(`${address} `));
  const flags = row?.split(/\s+/)[2];
  if (flags === undefined) return undefined;
  return Number(flags) === 0 ? 'absent' : 'present';
}

function ofArp(said: string): 'present' | 'absent' | undefined {
  if (/incomplete/i.test(said)) return 'absent';
  return /([0-9a-f]{1,2}[:-]){5}[0-9a-f]{1,2}/i.test(said) ? 'present' : undefined;
}
