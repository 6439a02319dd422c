/** Why a device that should speak espota answers nothing. */

import type { Rule } from '../../../model/finding.ts';
import {
  isCutOff,
  isNobodyThere,
  isPortClosed,
  isSeenThere,
  isSilent,
  otherChipOf,
  seenOf,
  systemErrorsOf,
  type Observations,
} from '../../../model/observations.ts';
import { wordsOf } from '../../../model/wording.ts';
import { blockedCure } from '../slow-loop.ts';
import { defaultPort, defaultPorts, usualPlatforms } from '../ports.ts';

/** A firewall of this computer lets nothing out; the sketch cannot know of it. */
const isKeptIn = (observed: Observations): boolean => systemErrorsOf(observed).includes('EPERM');

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

export const wrongPort: Rule = (observed) => {
  const { port, platform, imagePlatform, wording } = observed;
  if (!isSilent(observed)) return undefined;
  const seen = seenOf(observed);
  // Its own port would get an image that is not for its chip.
  if (otherChipOf(observed) !== undefined) return undefined;
  if (seen?.otherProtocol !== undefined) return undefined;
  if (seen !== undefined && seen.port !== port) {
    return {
      cause: 'wrong-port',
      likelihood: seen.foreignName === undefined ? 0.98 : 0.6,
      text: `the device announces port ${seen.port}, not ${port}`,
      cure: `correct ${wordsOf(wording).port} to ${seen.port}, or leave it out.`,
    };
  }
  if (!isPortClosed(observed)) return undefined;
  const [usualFor] = port === undefined ? [] : usualPlatforms(port);
  const known = platform ?? imagePlatform;
  const isOfAnother =
    usualFor !== undefined && known !== undefined && usualFor !== known && observed.isHomeding !== true;
  const usual = defaultPort(known);
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
  if (seen !== undefined && isSeenThere(seen, observed) && seen.port === port) {
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

/** From here on it is not the link that takes so long, but a round of the sketch. */
const blockedMs = 3000;

export const blockedLoop: Rule = ({ code, afterChallenge, longestAnswerMs = 0 }) => {
  if (code !== 'DEVICE_SILENT' || afterChallenge !== true || longestAnswerMs < blockedMs) return undefined;
  return {
    cause: 'sketch-without-ota',
    likelihood: 0.85,
    text: `its sketch blocks its loop() (an answer took ${Math.round(longestAnswerMs / 1000)} s)`,
    cure: blockedCure,
  };
};

/** During an update a core reads nothing but the image, from whomever it comes. */
export const updatedBySomebody: Rule = (observed) => {
  const { via, neighbour, platform, port } = observed;
  if (!isSilent(observed) || isPortClosed(observed) || isCutOff(observed) || isNobodyThere(observed))
    return undefined;
  const seen = seenOf(observed);
  const isSeenHere = seen !== undefined && isSeenThere(seen, observed) && seen.port === port;
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
    cure: 'open its web page, fix env.json or config.json, and restart it without pressing the button.',
  };
};
