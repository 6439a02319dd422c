/** Why a device is not found, or answers nothing. */

import { defaultPorts, platforms } from '../types.ts';
import type { Rule } from './finding.ts';
import type { Observations } from './observations.ts';

const isSilent = ({ code, afterChallenge }: Observations): boolean =>
  code === 'DEVICE_SILENT' && afterChallenge !== true;
/** Something at that address says that nothing listens on that port. */
const isPortClosed = ({ undeliverable }: Observations): boolean => undeliverable.includes('ECONNREFUSED');
const unreachable = ['EHOSTUNREACH', 'ENETUNREACH', 'EHOSTDOWN'];
const hasNoRoute = ({ undeliverable, systemCode = '', neighbour }: Observations): boolean =>
  neighbour === 'absent' || [...undeliverable, systemCode].some((code) => unreachable.includes(code));
const seenOf = ({ announced }: Observations) => (announced === 'nothing' ? undefined : announced);

export const nameUnknown: Rule = ({ code, isAmbiguous, ownHint, host }) => {
  if (code !== 'NAME_NOT_RESOLVED' || isAmbiguous === true) return undefined;
  const translated =
    host?.inside === undefined ? '' : ' The network of WSL 2 or of a container passes no mDNS.';
  return {
    cause: 'name-unknown',
    likelihood: 0.9,
    isTold: true,
    text: 'nobody answers to that name',
    cure:
      (ownHint ??
        'Check that the device is powered and in this network (mDNS reaches neither another subnet nor across a guest Wi-Fi), or give its address: `host: <address>` in .otarc.') +
      translated,
  };
};

export const twoOfOneName: Rule = ({ code, isAmbiguous, ownHint }) => {
  if (code !== 'NAME_NOT_RESOLVED' || isAmbiguous !== true) return undefined;
  return {
    cause: 'two-of-one-name',
    likelihood: 0.95,
    isTold: true,
    text: 'two devices have that name',
    cure:
      ownHint ?? 'Rename one of them, or say which one is meant: `host: <address>` under its name in .otarc.',
  };
};

export const oldAddress: Rule = (observed) => {
  const { address, via, device } = observed;
  const seen = seenOf(observed);
  if (!isSilent(observed)) return undefined;
  if (seen !== undefined && seen.address !== address) {
    return {
      cause: 'old-address',
      likelihood: 0.97,
      text: `${device} announces itself at ${seen.address} now, not at ${address}`,
      cure: `correct \`host:\` in .otarc, or name it ${device}.local so that it is looked for.`,
    };
  }
  if (via !== 'os') return undefined;
  return {
    cause: 'old-address',
    likelihood: 0.5,
    text: `the system's resolver still gives an address that it had before (${address})`,
    cure: 'look up its address in the router, and give that as `host:` in .otarc.',
  };
};

export const wrongPort: Rule = (observed) => {
  const { port, platform, imagePlatform } = observed;
  if (!isSilent(observed)) return undefined;
  const seen = seenOf(observed);
  if (seen !== undefined && seen.port !== port) {
    return {
      cause: 'wrong-port',
      likelihood: 0.98,
      text: `the device announces port ${seen.port}, not ${port}`,
      cure: `correct \`port:\` in .otarc or --port to ${seen.port}, or leave it out.`,
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
    cure: 'check the port (ESP8266 8266, ESP32 3232, RP2040 2040, HomeDing 8266 on every chip).',
  };
};

export const sketchWithoutOta: Rule = (observed) => {
  if (!isSilent(observed) || hasNoRoute(observed)) return undefined;
  const loops =
    'flash by cable a sketch that calls ArduinoOTA.begin() in setup() and ArduinoOTA.handle() in loop()';
  if (isPortClosed(observed)) {
    return {
      cause: 'sketch-without-ota',
      likelihood: 0.6,
      text: 'the sketch that runs on it has no OTA, or has not come to it yet',
      cure: `${loops}.`,
    };
  }
  const announced = seenOf(observed);
  const seen =
    announced?.address === observed.address && announced?.port === observed.port ? announced : undefined;
  return {
    cause: 'sketch-without-ota',
    likelihood: seen !== undefined ? 0.9 : observed.neighbour === 'present' ? 0.7 : 0.4,
    text:
      seen === undefined
        ? `${observed.neighbour === 'present' ? 'the device is in the network, but ' : ''}the sketch that runs on it has no OTA, or blocks its loop()`
        : 'it announces itself and answers nothing, so its sketch blocks its loop() or is stuck',
    cure:
      seen === undefined
        ? `${loops}.`
        : 'restart it and push at once, then look for delay() and waits in its loop() that keep ArduinoOTA.handle() from running.',
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
  if (afterChallenge === true) {
    return {
      cause: 'out-of-reach',
      likelihood: 0.6,
      text: 'the device is stuck in its authentication',
      cure: 'power-cycle the device, then push again; if it happens again, look at its serial output.',
    };
  }
  const isPresent = observed.neighbour === 'present' || seenOf(observed) !== undefined;
  if (hasNoRoute(observed)) {
    return {
      cause: 'out-of-reach',
      likelihood: 0.9,
      text: `nobody has the address ${address} in a network of this computer`,
      cure: 'check that the device is powered and that this computer is in its network.',
    };
  }
  return {
    cause: 'out-of-reach',
    likelihood: isPresent ? 0.2 : announced === 'nothing' ? 0.8 : 0.6,
    text: 'the device is off, asleep, or out of reach',
    cure: 'check its power, and that it is in this network (no guest Wi-Fi, which keeps its guests apart).',
  };
};
