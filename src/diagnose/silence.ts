/** Why a device is not found, or answers nothing. */

import { isSameAddress } from '../model/endpoint.ts';
import { defaultPorts, platforms } from '../model/types.ts';
import type { Rule } from './finding.ts';
import { otherChipOf, seenOf, type Announced, type Observations } from './observations.ts';
import { wordsOf } from '../model/wording.ts';

const isSilent = ({ code, afterChallenge }: Observations): boolean =>
  code === 'DEVICE_SILENT' && afterChallenge !== true;
/** Something at that address says that nothing listens on that port. */
const isPortClosed = ({ undeliverable }: Observations): boolean => undeliverable.includes('ECONNREFUSED');
const errorsOf = ({ undeliverable, systemCode = '' }: Observations): readonly string[] => [
  ...undeliverable,
  systemCode,
];
/** This computer is in no network that leads there. */
const isCutOff = (observed: Observations): boolean => errorsOf(observed).includes('ENETUNREACH');
/** It is, and nobody there has the address. */
const isNobodyThere = (observed: Observations): boolean =>
  observed.neighbour === 'absent' ||
  errorsOf(observed).some((code) => code === 'EHOSTUNREACH' || code === 'EHOSTDOWN');
const isAt = (seen: Announced, { address = '' }: Observations): boolean =>
  isSameAddress(seen.address, address);

/** A firewall of this computer lets nothing out; the sketch cannot know of it. */
const isKeptIn = (observed: Observations): boolean => errorsOf(observed).includes('EPERM');

export const outgoingFirewall: Rule = (observed) => {
  const { address = 'the device', port } = observed;
  if (!isSilent(observed) || !isKeptIn(observed)) return undefined;
  return {
    cause: 'firewall',
    likelihood: 0.98,
    text: `a firewall of this computer lets nothing out to UDP port ${port} of ${address} (EPERM)`,
    cure: 'allow that: look at what it drops on its way out (`sudo nft list ruleset`, `sudo iptables -S OUTPUT`).',
  };
};

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
  if (seen !== undefined && !isAt(seen, observed)) {
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

export const wrongPort: Rule = (observed) => {
  const { port, platform, imagePlatform, wording } = observed;
  if (!isSilent(observed)) return undefined;
  const seen = seenOf(observed);
  // Its own port would get an image that is not for its chip.
  if (otherChipOf(observed) !== undefined) return undefined;
  if (seen !== undefined && seen.port !== port) {
    return {
      cause: 'wrong-port',
      likelihood: seen.foreignName === undefined ? 0.98 : 0.6,
      text: `the device announces port ${seen.port}, not ${port}`,
      cure: `correct ${wordsOf(wording).port} to ${seen.port}, or leave it out.`,
    };
  }
  if (!isPortClosed(observed)) return undefined;
  const usualFor = platforms.find((each) => defaultPorts[each] === port);
  const known = platform ?? imagePlatform;
  const isOfAnother =
    usualFor !== undefined && known !== undefined && usualFor !== known && observed.isHomeding !== true;
  const usual = known === undefined ? undefined : defaultPorts[known];
  return {
    cause: 'wrong-port',
    // On an ESP32 it may as well be HomeDing's port.
    likelihood: isOfAnother ? (known === 'esp32' ? 0.85 : 0.9) : 0.7,
    text: isOfAnother
      ? `${port} is the usual port of an ${usualFor.toUpperCase()}, and that of an ${known.toUpperCase()} is ${usual}`
      : `it listens on another port than ${port}`,
    cure: isOfAnother
      ? `correct ${wordsOf(wording).port} to ${usual}, or leave it out.`
      : 'check the port (ESP8266 8266, ESP32 3232, RP2040 2040, HomeDing 8266 on every chip).',
  };
};

export const sketchWithoutOta: Rule = (observed) => {
  const { neighbour, port } = observed;
  if (!isSilent(observed) || isCutOff(observed) || isNobodyThere(observed)) return undefined;
  const cause = 'sketch-without-ota';
  const loops = 'flash by cable one that calls ArduinoOTA.begin() in setup() and .handle() in loop().';
  if (isPortClosed(observed)) {
    const text = 'the sketch that runs on it has no OTA, or has not come to it yet';
    return { cause, likelihood: 0.6, text, cure: loops };
  }
  const seen = seenOf(observed);
  if (seen !== undefined && isAt(seen, observed) && seen.port === port) {
    return {
      cause,
      likelihood: seen.foreignName === undefined ? 0.8 : 0.5,
      text: 'its sketch blocks its loop() or is stuck, as it announces itself and answers nothing',
      cure: 'restart it and push at once, then look for delay() and waits in its loop().',
    };
  }
  return {
    cause,
    likelihood: neighbour === 'present' ? 0.7 : 0.4,
    text: `${neighbour === 'present' ? 'the device is there, but ' : ''}its sketch has no OTA, or blocks its loop()`,
    cure: loops,
  };
};

/** In the midst of an update a core reads nothing but the image, from whomever it comes. */
export const updatedBySomebody: Rule = (observed) => {
  const { via, neighbour, platform, port } = observed;
  if (!isSilent(observed) || isPortClosed(observed) || isCutOff(observed) || isNobodyThere(observed))
    return undefined;
  const seen = seenOf(observed);
  const isSeenHere = seen !== undefined && isAt(seen, observed) && seen.port === port;
  if (!isSeenHere && via !== 'mdns' && neighbour !== 'present') return undefined;
  return {
    cause: 'update-running',
    // The others do not announce themselves meanwhile either; an ESP32 does, by a task of its own.
    likelihood: isSeenHere && (platform ?? 'esp32') !== 'esp32' ? 0.25 : 0.4,
    text: 'somebody else is updating it, and it answers nothing meanwhile',
    cure: 'wait a minute, then push again.',
  };
};

export const homedingSafeMode: Rule = (observed) => {
  const { isHomeding, port, platform } = observed;
  if (!isSilent(observed)) return undefined;
  // Only HomeDing listens on 8266 on an ESP32.
  const looksLike = isHomeding === true || (port === defaultPorts.esp8266 && platform === 'esp32');
  if (!looksLike) return undefined;
  return {
    cause: 'homeding-safe-mode',
    likelihood: isPortClosed(observed) ? 0.8 : 0.55,
    text: 'HomeDing is in safe mode, where it starts no OTA',
    cure: 'open its web page, mend env.json or config.json, and restart it without pressing the button.',
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
