/**
 * mDNS for as long as one likes: the question for all devices goes out in rounds, and interfaces that appear or vanish
 * meanwhile are followed.
 */

import { isDeepStrictEqual } from 'node:util';
import type { Answer, Question } from 'dns-packet';
import { pauseAfterRound } from './asks.ts';
import type { Here } from './found-devices.ts';
import {
  type Endpoint,
  endpointsOf,
  type HostAddress,
  hostAddresses,
  isNobodyAskable,
  isOnLink,
  selectAddresses,
} from './interfaces.ts';
import { type Mdns, openMdns, type Problem, type Source } from './mdns.ts';
import { questionForAll } from './packets.ts';
import type { KnownAnswer } from './queries.ts';
import type { BrowseProblem } from './types.ts';

/** 5353 asks a little later than the ephemeral port: whoever has answered by then is among the known answers. */
const sharedAfterMs = 100;
const lookEveryMs = 5000;
/** What failed may work again: a link that was down, an IPv6 address that was still being checked. */
const tryAgainAfterMs = 60_000;
/** In records: 500 virtual devices of one host say some 20,000 within the first ten seconds. */
const limits = { perSender: 25_000, total: 50_000, windowMs: 10_000 };

export interface NetworkOptions {
  readonly interfaces: readonly string[];
  readonly onRecords: (records: readonly Answer[], source: Source) => void;
  readonly onProblem: (problem: BrowseProblem) => void;
  /** For the question for all. */
  readonly knownAnswers: () => readonly KnownAnswer[];
}

export interface Network {
  here(): Here;
  /** By both ways, on every interface. */
  ask(questions: readonly Question[]): void;
  close(): void;
}

/** @throws `CONFIG_INVALID` for an interface that does not exist at the beginning. */
export function followNetwork({ interfaces, onRecords, onProblem, knownAnswers }: NetworkOptions): Network {
  let here = hereOf(hostAddresses());
  let endpoints: readonly Endpoint[] = [];
  let mdns: Mdns | undefined;
  let openedAtMs = 0;
  let failed: Problem[] = [];
  let round: NodeJS.Timeout | undefined;
  const told = new Set<string>();

  const tell = (key: string, problem: BrowseProblem) => {
    if (!told.has(key)) onProblem(problem);
    told.add(key);
  };
  const onFailure = (problem: Problem) => {
    const { endpoint, way, message } = problem;
    const isNew = !failed.some((each) => each.endpoint === endpoint && each.way === way);
    if (isNew) failed = [...failed, problem];
    const where = `${endpoint.name} (${endpoint.address})`;
    if (way === 'ephemeral') {
      const unusable = new Set(
        failed.filter((each) => each.way === 'ephemeral').map((each) => each.endpoint),
      );
      const isTotal = isNobodyAskable(endpoints, { failed: unusable, isChosen: interfaces.length > 0 });
      tell(where, { message: `mDNS cannot ask on ${where}: ${message}.`, isTotal });
    } else {
      tell(message, { message: `mDNS hears no announcements: ${message}.`, isTotal: false });
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
    mdns.listen();
  };
  const ask = (number: number) => {
    void mdns?.ask([questionForAll], 'ephemeral');
    round = setTimeout(() => {
      void mdns?.askForOthers(knownAnswers());
      round = setTimeout(() => ask(number + 1), pauseAfterRound(number) - sharedAfterMs);
    }, sharedAfterMs);
  };
  const look = () => {
    const all = hostAddresses();
    here = hereOf(all);
    const chosen = chosenOf(all, interfaces);
    const now = endpointsOf(chosen);
    const isSame = isDeepStrictEqual(now, endpoints);
    if (isSame && (failed.length === 0 || performance.now() - openedAtMs < tryAgainAfterMs)) return;
    endpoints = now;
    open(chosen);
    if (isSame) return;
    clearTimeout(round);
    ask(0);
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
    ask: (questions) => {
      void mdns?.ask(questions, 'ephemeral');
      void mdns?.ask(questions, 'shared');
    },
    close: () => {
      clearInterval(looking);
      clearTimeout(round);
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
