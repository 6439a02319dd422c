/** Why a device does not take this image. */

import { thousands } from '../model/numbers.ts';
import type { Rule } from '../model/finding.ts';
import { otherChipOf, updaterError, type Observations } from '../model/observations.ts';

/** The ESP32 core's default scheme has slots of this size. */
const usualEsp32SlotBytes = 0x14_0000;
const isAnswered = ({ code }: Observations): boolean =>
  code === 'DEVICE_REFUSED' || code === 'IMAGE_REJECTED';
const isEsp32 = ({ platform, imagePlatform }: Observations): boolean =>
  (platform ?? imagePlatform) === 'esp32';
/** An ESP32 says `OK` before it opens its flash. */
const isLeftWaiting = (observed: Observations): boolean =>
  observed.code === 'CONNECT_BACK_MISSING' && isEsp32(observed) && observed.foreignConnections.length === 0;

export const imageTooLarge: Rule = (observed) => {
  const { code, imageKind = 'firmware', imageBytes, slotBytes, ownHint } = observed;
  if (imageKind === 'filesystem') return undefined;
  if (code === 'IMAGE_TOO_LARGE') {
    return {
      cause: 'image-too-large',
      likelihood: 0.98,
      isTold: true,
      text: 'the image is larger than the slot for it',
      cure: ownHint ?? 'Make the image smaller, or flash a larger partition layout by cable.',
    };
  }
  const smaller = 'make it smaller, or flash a layout with more room by cable once.';
  if (isAnswered(observed) && updaterError(observed) === 4) {
    return {
      cause: 'image-too-large',
      likelihood: 0.98,
      text: 'the image does not fit beside the running sketch',
      cure: smaller,
    };
  }
  if (!isLeftWaiting(observed) || imageBytes === undefined) return undefined;
  // Known to fit, as far as the table at hand is that of the device.
  if (slotBytes !== undefined && imageBytes <= slotBytes) return undefined;
  return {
    cause: 'image-too-large',
    likelihood: slotBytes !== undefined ? 0.95 : imageBytes > usualEsp32SlotBytes ? 0.8 : 0.3,
    text: `the image (${thousands(imageBytes)} bytes) does not fit the slot (an ESP32 then says OK and never connects)`,
    cure: smaller,
  };
};

export const filesystemSize: Rule = (observed) => {
  const { code, imageKind, imageBytes, slotBytes, ownHint } = observed;
  if (imageKind !== 'filesystem') return undefined;
  const cure = 'build the file system for the flash layout that the device has.';
  if (code === 'IMAGE_TOO_LARGE') {
    return {
      cause: 'filesystem-size',
      likelihood: 0.98,
      isTold: true,
      text: 'the file-system image is not as large as its partition',
      cure: ownHint ?? cure,
    };
  }
  const number = updaterError(observed);
  if (code === 'DEVICE_REFUSED' && (number === 4 || number === 5)) {
    return {
      cause: 'filesystem-size',
      likelihood: 0.98,
      text: 'the size does not fit the partition',
      cure,
    };
  }
  if (!isLeftWaiting(observed) || imageBytes === undefined || slotBytes === imageBytes) return undefined;
  return {
    cause: 'filesystem-size',
    likelihood: slotBytes === undefined ? 0.5 : 0.95,
    text: `the file-system image (${thousands(imageBytes)} bytes) does not fit its partition (an ESP32 then says OK and never connects)`,
    cure,
  };
};

export const wrongChip: Rule = (observed) => {
  const { code, ownHint, systemCode } = observed;
  if (code === 'IMAGE_WRONG_CHIP') {
    return {
      cause: 'wrong-chip',
      likelihood: 0.98,
      isTold: true,
      text: 'the image is for another chip',
      cure: ownHint ?? 'Build for the chip that the device has, or correct `platform:` in .otarc.',
    };
  }
  const other = otherChipOf(observed);
  const { imagePlatform = '' } = observed;
  if (code === 'DEVICE_SILENT' && other !== undefined) {
    return {
      cause: 'wrong-chip',
      likelihood: 0.99,
      text: `the device announces itself as an ${other.toUpperCase()}, and the image is for an ${imagePlatform.toUpperCase()}`,
      cure: 'build for the chip that the device has.',
    };
  }
  if (isAnswered(observed) && updaterError(observed) === 10) {
    return {
      cause: 'wrong-chip',
      likelihood: 0.98,
      text: 'that is no image for this chip',
      cure: 'push the application image (firmware.bin) that was built for it.',
    };
  }
  // Its updater has failed, reads on, says nothing, and ends the connection in order a second after the last byte.
  const isQuietEnd = code === 'CONNECTION_LOST' && isEsp32(observed) && systemCode === undefined;
  if (!isQuietEnd || observed.imageKind === 'filesystem') return undefined;
  return {
    cause: 'wrong-chip',
    // It fails at the first sector; one that had taken more than that may as well have waited for data in vain.
    likelihood: (observed.acknowledgedBytes ?? 0) < 8192 ? 0.7 : 0.3,
    text: 'the image is not for this chip, or the flash is damaged',
    cure: 'check what it was built for (an ESP32 closes like this when it cannot write).',
  };
};

export const flashSettings: Rule = (observed) => {
  const number = updaterError(observed);
  if (!isAnswered(observed) || (number !== 8 && number !== 9)) return undefined;
  return number === 8
    ? {
        cause: 'flash-settings',
        likelihood: 0.98,
        text: 'the flash settings on the device are wrong for its chip',
        cure: 'flash once by cable with the right flash size.',
      }
    : {
        cause: 'flash-settings',
        likelihood: 0.98,
        text: 'the image was built for a larger flash than the device has',
        cure: 'choose the right board or flash size, and build again.',
      };
};

export const damagedOnTheWay: Rule = (observed) => {
  const number = updaterError(observed);
  const text = number === 7 ? 'the image was damaged on its way' : 'the device got nothing of the image';
  if (!isAnswered(observed) || (number !== 7 && number !== 13)) return undefined;
  return {
    cause: 'damaged-on-the-way',
    likelihood: 0.95,
    text,
    cure: 'push again; if it happens again, check the Wi-Fi signal and the power supply.',
  };
};

/** An ESP32 reads back what it has written, and starts it only if that is an image. */
export const unreadable: Rule = (observed) => {
  if (!isAnswered(observed) || updaterError(observed) !== 3) return undefined;
  return {
    cause: 'flash-fault',
    likelihood: 0.95,
    text: 'what was written does not read back as an image',
    cure: 'build for the very chip and flash of the device, check its power supply, and push again.',
  };
};

export const firstAfterCable: Rule = (observed) =>
  isAnswered(observed) && updaterError(observed) === 11
    ? {
        cause: 'first-after-cable',
        likelihood: 0.98,
        text: 'this is the first update after flashing by cable, which an ESP8266 takes only after a reset',
        cure: 'press reset on the device once, then push again.',
      }
    : undefined;

export const signatureRefused: Rule = (observed) =>
  isAnswered(observed) && updaterError(observed) === 12
    ? {
        cause: 'signature-refused',
        likelihood: 0.98,
        text: 'the device refuses the signature',
        cure: 'sign the image with the key that the running sketch trusts.',
      }
    : undefined;

export const outOfMemory: Rule = (observed) =>
  isAnswered(observed) && updaterError(observed) === 14
    ? {
        cause: 'out-of-memory',
        likelihood: 0.98,
        text: 'the device is out of memory',
        cure: 'power-cycle it, then push again.',
      }
    : undefined;

export const oldImageRuns: Rule = ({ code }) =>
  code === 'OLD_IMAGE_RUNS'
    ? {
        cause: 'old-image-runs',
        likelihood: 0.9,
        text: 'the new image crashed at its start and was rolled back, or the copy to its place failed',
        cure: 'look at its serial output while it boots; on an ESP8266 check the flash mode of the build.',
      }
    : undefined;

export const deviceGone: Rule = ({ code }) =>
  code === 'DEVICE_GONE'
    ? {
        cause: 'device-gone',
        likelihood: 0.9,
        text: 'the new sketch crashes at its start, or does not find the Wi-Fi',
        cure: 'look at its serial output while it boots; if it stays away, flash by cable a sketch that works.',
      }
    : undefined;
