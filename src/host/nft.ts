/** A ruleset as `nft -j list ruleset` prints it. Pure. */

import { isIPv4 } from 'node:net';
import {
  every,
  fitIf,
  fitPort,
  fitSource,
  judge,
  not,
  some,
  type Chain,
  type Fit,
  type Incoming,
  type Rule,
  type Verdict,
} from './ruleset.ts';

type Json = Readonly<Record<string, unknown>>;

/** The chains on the way in that drop the connection, as far as it shows: `inet filter input`. */
export function droppingChains(text: string, incoming: Incoming): readonly string[] {
  const entries = entriesOf(text);
  const family = isIPv4(incoming.address) ? 'ip' : 'ip6';
  const isOurs = (entry: Json): boolean => entry['family'] === 'inet' || entry['family'] === family;
  const ours = (kind: 'chain' | 'rule'): readonly Json[] =>
    entries
      .map((entry) => objectAt(entry, kind))
      .filter((each) => each !== undefined)
      .filter(isOurs);
  const [heads, rules] = [ours('chain'), ours('rule')];
  const entrances = heads.filter(({ hook, type }) => hook === 'input' && type === 'filter');
  return entrances.flatMap((head) => {
    const table = (each: Json): boolean =>
      each['family'] === head['family'] && each['table'] === head['table'];
    const chains = new Map(
      heads.filter(table).map((each): [string, Chain] => [
        String(each['name']),
        {
          policy: each['policy'] === 'drop' ? 'drop' : 'accept',
          rules: rules
            .filter((rule) => table(rule) && rule['chain'] === each['name'])
            .map((rule) => ruleOf(listAt(rule, 'expr'), incoming)),
        },
      ]),
    );
    const name = String(head['name']);
    return judge(name, chains) === 'drop'
      ? [`${String(head['family'])} ${String(head['table'])} ${name}`]
      : [];
  });
}

function entriesOf(text: string): readonly Json[] {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? listAt(value, 'nftables').filter(isObject) : [];
  } catch {
    return [];
  }
}

function ruleOf(statements: readonly unknown[], incoming: Incoming): Rule {
  const fits: Fit[] = [];
  for (const statement of statements.filter(isObject)) {
    const match = objectAt(statement, 'match');
    const map = objectAt(statement, 'vmap');
    if (match !== undefined) fits.push(fitOfMatch(match, incoming));
    else if (map !== undefined) return ruleOfMap(map, fits, incoming);
    else if (objectAt(statement, 'xt')?.['type'] === 'match') fits.push('maybe');
    else {
      const verdict = verdictOf(statement);
      if (verdict !== undefined) return { fit: every(fits), verdict };
    }
  }
  return { fit: 'no', verdict: { type: 'none' } };
}

/** `ct state vmap { established : accept, invalid : drop }`: the first entry that fits decides. */
function ruleOfMap(map: Json, before: readonly Fit[], incoming: Incoming): Rule {
  const data = objectAt(map, 'data');
  for (const entry of data === undefined ? [] : listAt(data, 'set')) {
    const [value, statement] = Array.isArray(entry) ? (entry as unknown[]) : [];
    const fit = every([...before, fitOf(map['key'], value, incoming)]);
    const verdict = isObject(statement) ? verdictOf(statement) : undefined;
    if (fit !== 'no') return { fit, verdict: verdict ?? { type: 'none' } };
  }
  return { fit: 'no', verdict: { type: 'none' } };
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

function fitOfMatch({ op, left, right }: Json, incoming: Incoming): Fit {
  const fit = fitOf(left, right, incoming);
  if (op === '!=') return not(fit);
  return op === '==' || op === 'in' ? fit : 'maybe';
}

function fitOf(key: unknown, value: unknown, incoming: Incoming): Fit {
  const values = valuesOf(value);
  if (!isObject(key) || values === undefined) return 'maybe';
  const oneOf = (test: (each: unknown) => Fit): Fit => some(values.map(test));
  const meta = objectAt(key, 'meta')?.['key'];
  if (meta === 'iifname' || meta === 'iif') return oneOf((each) => (each === 'lo' ? 'no' : 'maybe'));
  if (meta === 'l4proto') return oneOf(fitProtocol);
  if (meta === 'nfproto') return oneOf((each) => fitIf((each === 'ipv4') === isIPv4(incoming.address)));
  const ct = objectAt(key, 'ct')?.['key'];
  if (ct === 'state') return oneOf((each) => fitIf(each === 'new'));
  const payload = objectAt(key, 'payload') ?? (Array.isArray(key['&']) ? flagsOf(key['&']) : undefined);
  return payload === undefined ? 'maybe' : fitOfPayload(payload, { oneOf, incoming });
}

function fitOfPayload(
  { protocol, field }: Json,
  { oneOf, incoming }: { oneOf: (test: (each: unknown) => Fit) => Fit; incoming: Incoming },
): Fit {
  const isFour = isIPv4(incoming.address);
  switch (protocol) {
    case 'tcp':
      if (field === 'dport') return oneOf((each) => fitOfPort(each, incoming));
      return field === 'flags' ? oneOf((each) => fitIf(each === 'syn')) : 'maybe';
    case 'th':
      return field === 'dport' ? oneOf((each) => fitOfPort(each, incoming)) : 'maybe';
    case 'ip':
    case 'ip6':
      if ((protocol === 'ip') !== isFour) return 'no';
      if (field === 'protocol' || field === 'nexthdr') return oneOf(fitProtocol);
      return field === 'saddr' ? oneOf((each) => fitOfSource(each, incoming)) : 'maybe';
    default:
      return typeof protocol === 'string' ? 'no' : 'maybe';
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

function fitOfSource(value: unknown, incoming: Incoming): Fit {
  if (typeof value === 'string') return fitSource(incoming, value);
  const prefix = isObject(value) ? objectAt(value, 'prefix') : undefined;
  return prefix === undefined
    ? 'maybe'
    : fitSource(incoming, `${String(prefix['addr'])}/${String(prefix['len'])}`);
}

/** Undefined: a set that is kept elsewhere. */
function valuesOf(value: unknown): readonly unknown[] | undefined {
  if (typeof value === 'string' && value.startsWith('@')) return undefined;
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
