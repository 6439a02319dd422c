/** The sockets of mDNS for as long as one likes: interfaces that appear or vanish meanwhile are followed. */

import { isDeepStrictEqual } from 'node:util';
import type { Answer, Question } from 'dns-packet';
import type { Here } from './found-devices.ts';
import {
  type AskingAddress,
  endpointsOf,
  type HostAddress,
  hostAddresses,
  isNobodyAskable,
  isOnLink,
  selectAddresses,
} from './interfaces.ts';
import { type Mdns, openMdns, type MdnsProblem, type Source, type Way } from './mdns.ts';
import type { KnownAnswer } from './queries.ts';
import type { BrowseProblem } from './types.ts';

const lookEveryMs = 5000;
/** What failed may work again: a link that was down, an IPv6 address that was still being checked. */
const tryAgainAfterMs = 60_000;
/** In records: 500 virtual devices of one host say some 20,000 within the first ten seconds. */
const limits = { perSender: 25_000, total: 50_000, windowMs: 10_000 };

/** What a person reads of it, and where it is that nobody can be asked. */
export interface NetworkProblem extends BrowseProblem {
  /** Absent: this host has no network at all. */
  readonly failure?: MdnsProblem;
}

export interface NetworkOptions {
  readonly interfaces: readonly string[];
  readonly onRecords: (records: readonly Answer[], source: Source) => void;
  /** Once of each. */
  readonly onProblem: (problem: NetworkProblem) => void;
  /** There are other interfaces than before. */
  readonly onChange: () => void;
}

export interface Network {
  here(): Here;
  /** Whether anybody can be asked now. */
  isAskable(): boolean;
  /** On every interface. */
  ask(questions: readonly Question[], way: Way): void;
  /** One host alone, where a question to all may not get through. */
  askAt(questions: readonly Question[], address: string): void;
  /** All devices but those that are known, from 5353. */
  askForOthers(known: readonly KnownAnswer[]): void;
  /** Opens 5353 without asking. */
  listen(): void;
  close(): void;
}

/** No socket is opened before somebody asks or listens. @throws `CONFIG_INVALID` for an interface that does not exist */
export function followNetwork({ interfaces, onRecords, onProblem, onChange }: NetworkOptions): Network {
  let here = hereOf(hostAddresses());
  let endpoints: readonly AskingAddress[] = [];
  let mdns: Mdns | undefined;
  let openedAtMs = 0;
  let failed: MdnsProblem[] = [];
  let isListening = false;
  const told = new Set<string>();

  const tell = (key: string, problem: NetworkProblem) => {
    if (told.has(key)) return;
    told.add(key);
    onProblem(problem);
  };
  const isAskable = () => {
    const unusable = new Set(failed.filter((each) => each.way === 'ephemeral').map((each) => each.endpoint));
    return !isNobodyAskable(endpoints, { failed: unusable, isChosen: interfaces.length > 0 });
  };
  const onFailure = (failure: MdnsProblem) => {
    const { endpoint, way, message } = failure;
    const isNew = !failed.some((each) => each.endpoint === endpoint && each.way === way);
    if (isNew) failed = [...failed, failure];
    const where = `${endpoint.name} (${endpoint.address})`;
    if (way === 'ephemeral') {
      tell(where, { message: `mDNS cannot ask on ${where}: ${message}.`, isTotal: !isAskable(), failure });
    } else {
      tell(message, { message: `mDNS hears no announcements: ${message}.`, isTotal: false, failure });
    }
  };
  const open = (chosen: readonly HostAddress[]) => {
    mdns?.close();
    failed = [];
    openedAtMs = performance.now();
    mdns = openMdns({
      endpoints,
      limits,
      onRecords,
      onProblem: onFailure,
      zoneOfSender: (address) => chosen.find((item) => isOnLink(item, address))?.zone,
    });
    if (isListening) mdns.listen();
  };
  const look = () => {
    const all = hostAddresses();
    here = hereOf(all);
    const chosen = chosenOf(all, interfaces);
    const now = endpointsOf(chosen);
    const isSame = isDeepStrictEqual(now, endpoints);
    if (isSame && (failed.length === 0 || performance.now() - openedAtMs < tryAgainAfterMs)) return;
    const isFirst = mdns === undefined;
    endpoints = now;
    open(chosen);
    if (isSame) return;
    if (!isFirst) onChange();
    if (chosen.every(({ loopback }) => loopback) && interfaces.length === 0) {
      const message = 'This host has no network interface but loopback: mDNS has nobody to ask.';
      tell('no network', { message, isTotal: true });
    }
  };

  selectAddresses(hostAddresses(), interfaces);
  look();
  const looking = setInterval(look, lookEveryMs);
  return {
    here: () => here,
    isAskable,
    ask: (questions, way) => void mdns?.ask(questions, way),
    askAt: (questions, address) => void mdns?.askAt(questions, address),
    askForOthers: (known) => void mdns?.askForOthers(known),
    listen: () => {
      isListening = true;
      mdns?.listen();
    },
    close: () => {
      clearInterval(looking);
      mdns?.close();
    },
  };
}

function hereOf(all: readonly HostAddress[]): Here {
  return {
    own: new Set(all.map(({ address }) => address)),
    onLink: (address) => all.some((item) => isOnLink(item, address)),
  };
}

/** What has vanished may come back. */
function chosenOf(all: readonly HostAddress[], interfaces: readonly string[]): HostAddress[] {
  if (interfaces.length === 0) return [...all];
  return interfaces.flatMap((wanted) => {
    try {
      return selectAddresses(all, [wanted]);
    } catch {
      return [];
    }
  });
}
