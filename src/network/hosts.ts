/**
 * Who stands behind one name. What one sender says belongs to one host; what several say is put together by the addresses
 * that they share. Pure.
 */

import { relationOf } from './addresses.ts';

interface Claim {
  /** Address of who sent it. */
  readonly sender: string;
  readonly addresses: readonly string[];
}

/**
 * The claims of each host; more than one host is a contradiction. A claim without an address goes where its sender's
 * others are.
 *
 * @param own addresses of this host: they are one host, whatever interface they are on.
 */
export function hostsBehind<T extends Claim>(claims: readonly T[], own: ReadonlySet<string>): T[][] {
  const groups = groupByHost(
    claims.filter(({ addresses }) => addresses.length > 0),
    own,
  );
  const silent = claims.filter(({ addresses }) => addresses.length === 0);
  if (groups.length === 0) return [];
  if (groups.length === 1 || !haveConflict(groups, own)) return [[...groups.flat(), ...silent]];
  return groups.map((group) => {
    const senders = new Set(group.map(({ sender }) => sender));
    return [...group, ...silent.filter(({ sender }) => senders.has(sender))];
  });
}

function groupByHost<T extends Claim>(claims: readonly T[], own: ReadonlySet<string>): T[][] {
  return claims.reduce<T[][]>((groups, claim) => {
    const isSame = (group: T[]) => relationOf(addressesOf(group), claim.addresses, own) === 'same';
    return [...groups.filter((group) => !isSame(group)), [...groups.filter(isSame).flat(), claim]];
  }, []);
}

function haveConflict<T extends Claim>(groups: readonly T[][], own: ReadonlySet<string>): boolean {
  return groups.some((left, index) =>
    groups
      .slice(index + 1)
      .some((right) => relationOf(addressesOf(left), addressesOf(right), own) === 'different'),
  );
}

function addressesOf(group: readonly Claim[]): string[] {
  return [...new Set(group.flatMap(({ addresses }) => addresses))];
}
