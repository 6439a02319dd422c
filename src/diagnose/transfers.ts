/** Why a transfer breaks off, or cannot begin. */

import type { Finding, Rule } from '../model/finding.ts';
import { hasForgotten, hasGivenUp, type Observations } from '../model/observations.ts';

const isBroken = ({ code }: Observations): boolean =>
  code === 'CONNECTION_LOST' || code === 'TRANSFER_STALLED';
const isInOrder = ({ systemCode }: Observations): boolean => systemCode === undefined;

export const hostSlept: Rule = (observed) => {
  const { suspendedMs = 0, code } = observed;
  const isConcerned =
    isBroken(observed) ||
    ['TIMEOUT', 'NO_VERDICT', 'DEVICE_SILENT', 'CONNECT_BACK_MISSING'].includes(code ?? '');
  if (!isConcerned || suspendedMs < 3000) return undefined;
  return {
    cause: 'host-slept',
    likelihood: 0.97,
    text: `this computer slept for ${Math.round(suspendedMs / 1000)} s during the push`,
    cure: 'push again, and keep it awake meanwhile.',
  };
};

/** A device that is there has answered, or connected, by then. */
const usualLimitMs = 10_000;

export const shortLimit: Rule = ({ waitedFor, limitMs = Infinity }) => {
  const isConcerned = waitedFor === 'answer' || waitedFor === 'connection';
  if (!isConcerned || limitMs >= usualLimitMs) return undefined;
  return {
    cause: 'short-limit',
    likelihood: 0.45,
    text: 'the limit is too short for this device',
    cure: 'raise --timeout.',
  };
};

/** A good link loses no more invitations than this; a password takes two tries of its own. */
const usualInvitations = 4;
/** Nothing was heard for so long before it broke. */
const longSilenceMs = 5000;

export const weakWifi: Rule = (observed) => {
  const { code, afterChallenge, invitations = 0, silentMs = 0 } = observed;
  const isHardToReach = invitations > usualInvitations;
  const found = (likelihood: number): Finding => ({
    cause: 'weak-wifi',
    likelihood,
    text: `the Wi-Fi between here and the device is too weak${isHardToReach ? ` (${invitations} invitations until it answered)` : ''}`,
    cure: 'move it nearer to the access point, or check its antenna, then push again.',
  });
  if (code === 'DEVICE_SILENT' && afterChallenge === true) return found(0.5);
  // Where nothing was counted, the link has not had its chance yet.
  if (code === 'TIMEOUT' && (observed.acknowledgedBytes ?? 0) > 0) {
    return {
      ...found(0.8),
      text: 'the limit is too short for this link, or the Wi-Fi is too weak',
      cure: 'raise --timeout; or move the device nearer to the access point, then push again.',
    };
  }
  if (code === 'TRANSFER_STALLED') return found(isHardToReach ? 0.85 : 0.8);
  if (code !== 'CONNECTION_LOST' || hasGivenUp(observed)) return undefined;
  const isLongSilent = silentMs >= longSilenceMs && !hasForgotten(observed);
  return found(isHardToReach ? 0.75 : isLongSilent ? 0.65 : isInOrder(observed) ? 0.5 : 0.55);
};

/** An ESP32 checks the start of the image when it writes its first sector. */
const firstSectorsBytes = 8192;

/**
 * A device that ends the connection while it counts is there, and runs: it has given up. An ESP32 says why, but closes with
 * unread input, and the reset overtakes its words. One that restarts is silent first.
 */
export const gaveUp: Rule = (observed) => {
  const { code, acknowledgedBytes = 0, imageKind, imageChip, imagePlatform, platform } = observed;
  if (code !== 'CONNECTION_LOST' || !hasGivenUp(observed)) return undefined;
  const chip = imageChip ?? imagePlatform;
  // Only an ESP32 looks at the first bytes before it writes them; the others judge the image at its end.
  const isJudgedAtStart = (platform ?? imagePlatform ?? 'esp32') === 'esp32';
  if (isJudgedAtStart && acknowledgedBytes < firstSectorsBytes && imageKind !== 'filesystem') {
    return {
      cause: 'wrong-chip',
      likelihood: 0.75,
      text: `the device gave up at the start of the image: it is not for this chip${chip === undefined ? '' : ` (it was built for an ${chip.toUpperCase()})`}, or the flash cannot be written`,
      cure: 'check the chip of the board that the project builds for.',
    };
  }
  return {
    cause: 'flash-fault',
    likelihood: 0.75,
    text: 'the device gave up: it could not write its flash',
    cure: 'push again; if it happens again at the same place, its flash is damaged: its serial output says what fails.',
  };
};

export const powerDip: Rule = (observed) => {
  const { code, imageKind, cameBackWith, awayMs } = observed;
  if (!isBroken(observed)) return undefined;
  if (cameBackWith === 'old-image') {
    return {
      cause: 'power-dip',
      likelihood: 0.95,
      text: `it restarted while it was updated${imageKind === 'filesystem' ? '' : ' and runs the old image again'}, as when its power dips while it writes`,
      cure: 'use a stronger supply or a shorter cable, then push again.',
    };
  }
  const cure = 'check its power supply and cable, then push again.';
  if (awayMs !== undefined) {
    const seconds = Math.max(1, Math.round(awayMs / 1000));
    return {
      cause: 'power-dip',
      likelihood: 0.6,
      text: `it was away for ${seconds} s and may have restarted, as when its power dips while the flash is written`,
      cure,
    };
  }
  if (hasGivenUp(observed)) {
    return {
      cause: 'power-dip',
      likelihood: 0.4,
      text: 'its power dips while the flash is written',
      cure: 'use a stronger supply or a shorter cable, then push again.',
    };
  }
  return {
    cause: 'power-dip',
    likelihood: hasForgotten(observed)
      ? 0.8
      : code === 'TRANSFER_STALLED'
        ? 0.35
        : isInOrder(observed)
          ? 0.45
          : 0.6,
    text: 'the device restarted, as when its power dips while the flash is written',
    cure,
  };
};

export const updateRunning: Rule = ({ code }) =>
  code === 'DEVICE_BUSY'
    ? {
        cause: 'update-running',
        likelihood: 0.8,
        isTold: true,
        text: 'another update is running on the device',
        cure: 'Wait until the running update has ended, or power-cycle the device.',
      }
    : undefined;

export const twoOtarc: Rule = ({ code, ownHint }) => {
  if (code === 'DEVICE_LOCKED') {
    return {
      cause: 'two-otarc',
      likelihood: 0.95,
      isTold: true,
      text: 'another otarc on this computer is at this device',
      cure: ownHint ?? 'Wait until the other otarc is done.',
    };
  }
  if (code !== 'DEVICE_BUSY') return undefined;
  return {
    cause: 'two-otarc',
    likelihood: 0.3,
    text: 'somebody pushes to it from another computer, or from an IDE',
    cure: 'let that end first.',
  };
};

export const hostPortTaken: Rule = ({ code, systemCode, hostPort, wording }) => {
  const flag = wording === 'espota' ? '-P' : '`--host-port`';
  if (code !== 'HOST_PORT_IN_USE') return undefined;
  return {
    cause: 'host-port-taken',
    likelihood: 0.95,
    isTold: true,
    text: `TCP port ${hostPort} of this computer is not free`,
    cure:
      systemCode === 'EACCES'
        ? `Choose a ${flag} above 1023, or leave it out and let otarc choose.`
        : `Choose another ${flag}, or leave it out and let otarc choose.`,
  };
};

export const noVerdictHeard: Rule = ({ code, isAllTaken, imageKind }) => {
  const isDoubtful =
    code === 'NO_VERDICT' || (code === 'TIMEOUT' && isAllTaken === true && imageKind !== 'filesystem');
  if (!isDoubtful) return undefined;
  return {
    cause: 'no-verdict-heard',
    likelihood: code === 'NO_VERDICT' ? 0.6 : 0.85,
    text: 'the device took the image, and only its word got lost',
    cure:
      imageKind === 'filesystem'
        ? 'push it again before the device is restarted: half of it may be missing.'
        : 'look whether the new sketch runs before you push again.',
  };
};

export const anotherProgram: Rule = ({ code, sentBytes, answer, protocol }) => {
  if (code !== 'PROTOCOL_ERROR' || protocol !== undefined) return undefined;
  return sentBytes === undefined || answer !== 'OK'
    ? {
        cause: 'another-program',
        likelihood: 0.9,
        text: 'something else answers at this address and port',
        cure: 'check address and port of the device.',
      }
    : {
        cause: 'another-program',
        likelihood: 0.9,
        text: 'it took another image than this one',
        cure: 'look at what it runs, then push again.',
      };
};

/** A file system is written in place: what was there is gone, what should be there is not whole. */
export const filesystemHalfWritten: Rule = (observed) => {
  const { code, imageKind, isHalfWritten, cameBackWith } = observed;
  const isBrokenOff = isBroken(observed) || code === 'IMAGE_REJECTED';
  if (isHalfWritten !== true && !(imageKind === 'filesystem' && isBrokenOff)) return undefined;
  return {
    cause: 'filesystem-half-written',
    likelihood: 0.99,
    isConsequence: true,
    text: 'the file system on the device may be half written',
    cure: `push the file-system image again${cameBackWith === undefined ? ' before it restarts' : ''}.`,
  };
};
