/** Name to address, from the search to what a push needs to know, or to the words for why not. */

import { wordsOf } from '../model/wording.ts';
import { cancelled, type OtaError } from '../model/errors.ts';
import { isLoopback, preferredAddress } from './addresses.ts';
import { hostAddresses, isOnLink, selectAddresses } from './interfaces.ts';
import { locatedOf } from './located.ts';
import { questionFor } from './names.ts';
import { contradiction, otherName } from './ambiguous.ts';
import { notFound, type FailedSearch } from './not-found.ts';
import { type SearchOutcome, runSearch } from './run-search.ts';
import type { Located, LocateOptions, LocateRequest, Lookout } from './types.ts';

/** For a name that is no address; see `lookOut`. */
export function lookOutForName(request: LocateRequest, options: LocateOptions): Omit<Lookout, 'sinceMs'> {
  const { leftMs = Infinity, tell, signal } = options;
  const timeoutMs = Math.min(options.timeoutMs ?? 5000, leftMs);
  const question = questionFor(request.host);
  const all = hostAddresses();
  const addresses = selectAddresses(all, request.interfaces);
  const onLink = (address: string) => all.some((item) => isOnLink(item, address));
  const asked = question.mdnsName === undefined ? [] : addresses;
  const doubted = new AbortController();
  let close = (): void => undefined;

  const reported = (outcome: SearchOutcome): FailedSearch => {
    return { name: request.name, question, addresses: asked, all, timeoutMs, ...outcome };
  };
  const located = new Promise<Located>((resolve, reject) => {
    const onAnswer = (outcome: SearchOutcome) => {
      if (signal.aborted) return reject(cancelled(signal));
      const found = foundIn(request, outcome, onLink);
      if (found === undefined) return reject(failureOf(outcome, reported(outcome)));
      const { address, via } = found;
      const seconds = (outcome.tookMs / 1000).toFixed(2);
      tell({ type: 'log', level: 'debug', message: `${request.host} is ${address} (${via}, ${seconds} s)` });
      if (isUnconfirmed(outcome) && !isLoopback(address)) {
        tell({ type: 'log', level: 'warn', message: unconfirmedText(request, address) });
      }
      return resolve(found);
    };
    const onDoubt = (outcome: SearchOutcome) => doubted.abort(failureOf(outcome, reported(outcome)));
    ({ close } = runSearch({ request, question, addresses, timeoutMs, options, onAnswer, onDoubt }));
  });
  return { located, doubted: doubted.signal, close: () => close() };
}

function foundIn(
  request: LocateRequest,
  { decision }: SearchOutcome,
  onLink: (address: string) => boolean,
): Located | undefined {
  if (decision.type === 'found-by-mdns') {
    const address = preferredAddress(decision.host.addresses, onLink);
    return address === undefined
      ? undefined
      : locatedOf(request, { address, via: 'mdns', host: decision.host });
  }
  if (decision.type !== 'found-by-os') return undefined;
  const { announced } = decision;
  const there = decision.addresses.filter((each) => announced?.addresses.includes(each) ?? true);
  const address = preferredAddress(there.length > 0 ? there : decision.addresses, onLink);
  const host = announced && { ...announced, ports: [announced.port] };
  return address === undefined ? undefined : locatedOf(request, { address, via: 'os', host });
}

function failureOf({ decision }: SearchOutcome, search: FailedSearch): OtaError {
  if (decision.type === 'contradiction') return contradiction(search, decision);
  if (decision.type === 'other-name') return otherName(search, decision);
  return notFound(search);
}

const isUnconfirmed = ({ decision }: SearchOutcome): boolean =>
  decision.type === 'found-by-os' && decision.announced === undefined;

const unconfirmedText = ({ host, wording }: LocateRequest, address: string): string =>
  `${address} is what the system's resolver says of ${host}; nobody there announces that name, or any. ` +
  `If it is the device, say so: ${wordsOf(wording).address('<address>')}.`;
