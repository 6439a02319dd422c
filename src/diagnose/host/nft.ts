/** A ruleset as `nft -j list ruleset` prints it. Pure. */

import { isIPv4 } from 'node:net';
import {
  every,
  fitAddress,
  fitIf,
  fitInterface,
  fitPort,
  judge,
  not,
  some,
  type Chain,
  type Fit,
  type Incoming,
  type Outcome,
  type Rule,
  type Verdict,
} from './ruleset.ts';

type Json = Readonly<Record<string, unknown>>;

/** A chain on the way in. */
export interface JudgedChain {
  /** `inet filter input` */
  readonly chain: string;
  readonly outcome: Outcome;
}

/** What each chain on the way in makes of the connection. */
export function judgedByNft(text: string, incoming: Incoming): readonly JudgedChain[] {
  const entries = entriesOf(text);
  const family = isIPv4(incoming.address) ? 'ip' : 'ip6';
  const isOurs = (entry: Json): boolean => entry['family'] === 'inet' || entry['family'] === family;
  const ours = (kind: 'chain' | 'rule' | 'set' | 'map'): readonly Json[] =>
    entries
      .map((entry) => objectAt(entry, kind))
      .filter((each) => each !== undefined)
      .filter(isOurs);
  const [heads, rules, sets] = [ours('chain'), ours('rule'), [...ours('set'), ...ours('map')]];
  const entrances = heads.filter(({ hook, type }) => hook === 'input' && type === 'filter');
  return entrances.map((head) => {
    const isOfTable = (each: Json): boolean =>
      each['family'] === head['family'] && each['table'] === head['table'];
    const table: Table = { incoming, sets: new Map(sets.filter(isOfTable).map(setOf)) };
    const chains = new Map(
      heads.filter(isOfTable).map((each): [string, Chain] => [
        String(each['name']),
        {
          policy: each['policy'] === 'drop' ? 'drop' : 'accept',
          rules: rules
            .filter((rule) => isOfTable(rule) && rule['chain'] === each['name'])
            .flatMap((rule) => rulesOf(listAt(rule, 'expr'), table)),
        },
      ]),
    );
    const name = String(head['name']);
    const chain = `${String(head['family'])} ${String(head['table'])} ${name}`;
    return { chain, outcome: judge(name, chains) };
  });
}

/** What the rules of a table are read with. */
interface Table {
  readonly incoming: Incoming;
  /** By their names, `@lan`. */
  readonly sets: ReadonlyMap<string, readonly unknown[]>;
}

/** Of an element with a time of its own, or a counter, only what it holds. */
function setOf(set: Json): [string, readonly unknown[]] {
  const elements = listAt(set, 'elem').map((each) =>
    isObject(each) ? (objectAt(each, 'elem')?.['val'] ?? each) : each,
  );
  return [`@${String(set['name'])}`, elements];
}

function entriesOf(text: string): readonly Json[] {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? listAt(value, 'nftables').filter(isObject) : [];
  } catch {
    return [];
  }
}

function rulesOf(statements: readonly unknown[], table: Table): readonly Rule[] {
  const fits: Fit[] = [];
  for (const statement of statements.filter(isObject)) {
    const match = objectAt(statement, 'match');
    const map = objectAt(statement, 'vmap');
    if (match !== undefined) fits.push(fitOfMatch(match, table));
    else if (map !== undefined) return rulesOfMap(map, fits, table);
    else if (isCounted(statement) || objectAt(statement, 'xt')?.['type'] === 'match') fits.push('maybe');
    else {
      const verdict = verdictOf(statement);
      if (verdict !== undefined) return [{ fit: every(fits), verdict }];
    }
  }
  return [];
}

/** Whether it holds is a matter of how much has come already. */
const isCounted = (statement: Json): boolean =>
  ['limit', 'quota', 'ct count'].some((kind) => kind in statement);

/** `ct state vmap { established : accept, invalid : drop }`: one rule for each entry. */
function rulesOfMap(map: Json, before: readonly Fit[], table: Table): readonly Rule[] {
  const entries = valuesOf(map['data'], table);
  // One that is not in the ruleset may hold anything.
  if (entries === undefined) return [{ fit: every([...before, 'maybe']), verdict: { type: 'accept' } }];
  return entries.map((entry) => {
    const [value, statement] = Array.isArray(entry) ? (entry as unknown[]) : [];
    const verdict = isObject(statement) ? verdictOf(statement) : undefined;
    return {
      fit: every([...before, fitOf(map['key'], value, table)]),
      verdict: verdict ?? { type: 'none' },
    };
  });
}

function verdictOf(statement: Json): Verdict | undefined {
  if ('accept' in statement) return { type: 'accept' };
  if ('drop' in statement || 'reject' in statement) return { type: 'drop' };
  if ('return' in statement) return { type: 'return' };
  for (const type of ['jump', 'goto'] as const) {
    const target = objectAt(statement, type)?.['target'];
    if (typeof target === 'string') return { type, chain: target };
  }
  const xt = objectAt(statement, 'xt');
  const isRefusal = xt?.['type'] === 'target' && (xt['name'] === 'REJECT' || xt['name'] === 'DROP');
  return isRefusal ? { type: 'drop' } : undefined;
}

function fitOfMatch({ op, left, right }: Json, table: Table): Fit {
  // What is not there to be compared is not unequal either: `udp dport != 53` is for no TCP.
  if (isOfAnother(left, table.incoming)) return 'no';
  const fit = fitOf(left, right, table);
  if (op === '!=') return not(fit);
  return op === '==' || op === 'in' ? fit : 'maybe';
}

/** Which a new TCP connection has no header of. */
const otherProtocols = 'udp udplite sctp dccp icmp icmpv6 igmp ah esp comp gre arp'.split(' ');

function isOfAnother(key: unknown, { address }: Incoming): boolean {
  const payload = isObject(key) ? payloadOf(key) : undefined;
  const protocol = String(payload?.['protocol']);
  return otherProtocols.includes(protocol) || protocol === (isIPv4(address) ? 'ip6' : 'ip');
}

function fitOf(key: unknown, value: unknown, table: Table): Fit {
  const { incoming } = table;
  if (isOfAnother(key, incoming)) return 'no';
  const values = valuesOf(value, table);
  if (!isObject(key) || values === undefined) return 'maybe';
  const oneOf = (test: (each: unknown) => Fit): Fit => some(values.map(test));
  const parts = listAt(key, 'concat');
  if (parts.length > 0) {
    return oneOf((each) => {
      const own = isObject(each) ? listAt(each, 'concat') : [];
      return every(parts.map((part, index) => fitOf(part, own[index], table)));
    });
  }
  switch (objectAt(key, 'meta')?.['key']) {
    case 'iifname':
    case 'iif':
      return oneOf((each) => (typeof each === 'string' ? fitInterface(incoming, each) : 'maybe'));
    case 'l4proto':
      return oneOf(fitProtocol);
    case 'nfproto':
      return oneOf((each) => fitIf((each === 'ipv4') === isIPv4(incoming.address)));
    case 'protocol':
      return oneOf((each) => fitIf(each === (isIPv4(incoming.address) ? 'ip' : 'ip6')));
    default:
  }
  switch (objectAt(key, 'ct')?.['key']) {
    case 'state':
      return oneOf((each) => fitIf(each === 'new'));
    case 'status':
      // Only what was meant for another host is translated on its way in.
      return oneOf((each) => (each === 'dnat' || each === 'snat' ? 'no' : 'maybe'));
    default:
  }
  const lookup = objectAt(key, 'fib');
  if (lookup?.['result'] === 'type' && [lookup['flags']].flat().includes('daddr'))
    return oneOf((each) => fitIf(each === 'local'));
  const payload = payloadOf(key);
  return payload === undefined ? 'maybe' : fitOfPayload(payload, { oneOf, incoming });
}

const payloadOf = (key: Json): Json | undefined =>
  objectAt(key, 'payload') ?? (Array.isArray(key['&']) ? flagsOf(key['&']) : undefined);

function fitOfPayload(
  { protocol, field }: Json,
  { oneOf, incoming }: { oneOf: (test: (each: unknown) => Fit) => Fit; incoming: Incoming },
): Fit {
  switch (`${String(protocol)} ${String(field)}`) {
    case 'tcp dport':
    case 'th dport':
      return oneOf((each) => fitOfPort(each, incoming));
    case 'tcp flags':
      return oneOf((each) => fitIf(each === 'syn'));
    case 'ip protocol':
    case 'ip6 nexthdr':
      return oneOf(fitProtocol);
    case 'ip saddr':
    case 'ip6 saddr':
      return oneOf((each) => fitOfAddress(each, incoming.address));
    case 'ip daddr':
    case 'ip6 daddr':
      return oneOf((each) => fitOfAddress(each, incoming.hostAddress));
    default:
      return 'maybe';
  }
}

/** Of `tcp flags & (fin | syn | rst | ack)`. */
function flagsOf(operands: readonly unknown[]): Json | undefined {
  return operands
    .filter(isObject)
    .map((each) => objectAt(each, 'payload'))
    .find((each) => each !== undefined);
}

const fitProtocol = (value: unknown): Fit => fitIf(value === 'tcp' || value === 6);

function fitOfPort(value: unknown, incoming: Incoming): Fit {
  const [from, to] = isObject(value) ? listAt(value, 'range') : [value, value];
  return typeof from === 'number' && typeof to === 'number' ? fitPort(incoming, from, to) : 'maybe';
}

function fitOfAddress(value: unknown, address: string | undefined): Fit {
  if (typeof value === 'string') return fitAddress(address, value);
  const range = isObject(value) ? listAt(value, 'range') : [];
  if (range.length > 0) return fitAddress(address, range.join('-'));
  const prefix = isObject(value) ? objectAt(value, 'prefix') : undefined;
  return prefix === undefined
    ? 'maybe'
    : fitAddress(address, `${String(prefix['addr'])}/${String(prefix['len'])}`);
}

/** Undefined: a set or a map that is not in the ruleset. */
function valuesOf(value: unknown, { sets }: Table): readonly unknown[] | undefined {
  if (typeof value === 'string' && value.startsWith('@')) return sets.get(value);
  if (Array.isArray(value)) return value as unknown[];
  return isObject(value) && Array.isArray(value['set']) ? (value['set'] as unknown[]) : [value];
}

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function objectAt(value: Json, key: string): Json | undefined {
  const found = value[key];
  return isObject(found) ? found : undefined;
}

function listAt(value: Json, key: string): readonly unknown[] {
  const found = value[key];
  return Array.isArray(found) ? (found as unknown[]) : [];
}
