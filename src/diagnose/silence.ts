/** Why a device is not found, or answers nothing, whatever way it is pushed to. */

import type { Rule } from '../model/finding.ts';
import {
  isCutOff,
  isNobodyThere,
  isPortClosed,
  isSeenThere,
  isSilent,
  seenOf,
} from '../model/observations.ts';
import { wordsOf } from '../model/wording.ts';

export const nameUnknown: Rule = ({ code, isAmbiguous, isElsewhere, ownHint, host, wording }) => {
  if (code !== 'NAME_NOT_RESOLVED' || isAmbiguous === true || isElsewhere === true) return undefined;
  const translated =
    host?.inside === undefined ? '' : ' The network of WSL 2 or of a container passes no mDNS.';
  const own = wording === 'espota' ? undefined : ownHint;
  return {
    cause: 'name-unknown',
    likelihood: 0.9,
    isTold: true,
    text: 'nobody answers to that name',
    cure:
      (own ??
        `Check that the device is powered and in this network (mDNS reaches neither another subnet nor across a guest Wi-Fi), or give its address: ${wordsOf(wording).address('<address>')}.`) +
      translated,
  };
};

export const twoOfOneName: Rule = (observed) => {
  const { code, isAmbiguous, ownHint, announced, wording } = observed;
  const which = `say which one is meant: ${wordsOf(wording).address('<address>')}.`;
  if (isSilent(observed) && announced === 'several') {
    return {
      cause: 'two-of-one-name',
      likelihood: 0.9,
      text: 'several devices announce that name, and another one may be meant',
      cure: `rename all but one, or ${which}`,
    };
  }
  if (code !== 'NAME_NOT_RESOLVED' || isAmbiguous !== true) return undefined;
  const own = wording === 'espota' ? undefined : ownHint;
  return {
    cause: 'two-of-one-name',
    likelihood: 0.95,
    isTold: true,
    text: 'two devices have that name',
    cure: own ?? `Rename one of them, or ${which}`,
  };
};

export const oldAddress: Rule = (observed) => {
  const { address, via, device, wording, ownHint } = observed;
  const seen = seenOf(observed);
  const words = wordsOf(wording);
  if (observed.code === 'NAME_NOT_RESOLVED' && observed.isElsewhere === true) {
    const own = wording === 'espota' ? undefined : ownHint;
    const correct = `Look for the device with \`otarc devices\`, and correct ${words.host}.`;
    return {
      cause: 'old-address',
      likelihood: 0.95,
      isTold: true,
      text: 'another device has its address',
      cure: own ?? correct,
    };
  }
  if (!isSilent(observed)) return undefined;
  if (seen !== undefined && !isSeenThere(seen, observed)) {
    return {
      cause: 'old-address',
      likelihood: 0.97,
      text: `the device announces itself at ${seen.address} now, not at ${address}`,
      cure: words.otherHost,
    };
  }
  if (seen?.foreignName !== undefined) {
    return {
      cause: 'old-address',
      likelihood: 0.75,
      text: `${address} is now ${seen.foreignName}, as it calls itself, and not ${device}`,
      cure: `look for the device with \`otarc devices\`, and correct ${words.host}.`,
    };
  }
  if (via !== 'os') return undefined;
  return {
    cause: 'old-address',
    likelihood: 0.5,
    text: `the system's resolver still gives an address that it had before (${address})`,
    cure: `look up its address in the router, and give that as ${words.host}.`,
  };
};

export const otherProtocol: Rule = (observed) => {
  const { code, protocol, ownHint } = observed;
  if (code === 'PROTOCOL_ERROR' && protocol !== undefined && ownHint !== undefined) {
    return {
      cause: 'other-protocol',
      likelihood: 0.98,
      isTold: true,
      text: `the device speaks ${protocol}`,
      cure: ownHint,
    };
  }
  const announced = seenOf(observed)?.otherProtocol;
  if (!isSilent(observed) || announced === undefined) return undefined;
  return {
    cause: 'other-protocol',
    likelihood: 0.98,
    text: `the device announces another protocol: ${announced}`,
    cure: 'push to it with the tool of its board package; no espota updater answers there.',
  };
};

export const outOfReach: Rule = (observed) => {
  const { address = 'its address', code, afterChallenge, announced } = observed;
  if (code !== 'DEVICE_SILENT' || isPortClosed(observed)) return undefined;
  const cause = 'out-of-reach';
  if (afterChallenge === true) {
    return {
      cause,
      likelihood: 0.6,
      text: 'the device is stuck in its authentication',
      cure: 'power-cycle the device, then push again; if it happens again, look at its serial output.',
    };
  }
  if (isCutOff(observed)) {
    return {
      cause,
      likelihood: 0.9,
      text: `this computer is in no network that leads to ${address}`,
      cure: 'connect it to the network of the device, or check the address.',
    };
  }
  if (isNobodyThere(observed)) {
    return {
      cause,
      // Where it announces another one, that says it all.
      likelihood: seenOf(observed) === undefined ? 0.9 : 0.4,
      text: `nobody has the address ${address} in a network of this computer`,
      cure: 'check that the device is powered and that this computer is in its network.',
    };
  }
  const isPresent = observed.neighbour === 'present' || seenOf(observed) !== undefined;
  return {
    cause,
    likelihood: isPresent ? 0.2 : announced === 'nothing' ? 0.8 : 0.6,
    text: 'the device is off, asleep, or out of reach',
    cure: 'check its power, and that it is in this network (a guest Wi-Fi keeps its guests apart).',
  };
};
