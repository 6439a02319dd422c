/** Why a device does not take this image. */

import { thousands } from '../model/numbers.ts';
import type { Finding, Rule } from '../model/finding.ts';
import { otherChipOf, type Observations } from '../model/observations.ts';

/** The ESP32 core's default scheme has slots of this size. */
const usualEsp32SlotBytes = 0x14_0000;
const isEsp32 = ({ platform, imagePlatform }: Observations): boolean =>
  (platform ?? imagePlatform) === 'esp32';
/** An ESP32 says `OK` before it opens its flash. */
const isLeftWaiting = (observed: Observations): boolean =>
  observed.code === 'CONNECT_BACK_MISSING' && isEsp32(observed) && observed.foreignConnections.length === 0;

/** An update over the air leaves the table as it was: after another scheme was chosen, the build has another one. */
const otherTable = 0.25;

/** It fits, as far as the table at hand is that of the device. */
const fitting = (
  image: string,
  { slotBytes, place }: { readonly slotBytes: number; readonly place: string },
): Pick<Finding, 'text' | 'cure'> => ({
  text: `the device has another partition table than the build, in whose ${place} of ${thousands(slotBytes)} ${image} fits`,
  cure: 'if the partition scheme was changed, flash by cable once.',
});

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
  if (!isLeftWaiting(observed) || imageBytes === undefined) return undefined;
  const cause = 'image-too-large';
  const image = `the image (${thousands(imageBytes)} bytes)`;
  if (slotBytes === undefined) {
    return {
      cause,
      likelihood: imageBytes > usualEsp32SlotBytes ? 0.8 : 0.3,
      text: `${image} does not fit the slot (an ESP32 then says OK and never connects)`,
      cure: smaller,
    };
  }
  if (imageBytes <= slotBytes)
    return { cause, likelihood: otherTable, ...fitting(image, { slotBytes, place: 'slot' }) };
  const text =
    slotBytes === 0
      ? `the partition table shows no OTA slot for ${image}`
      : `${image} does not fit the slot of ${thousands(slotBytes)} that the partition table shows`;
  return {
    cause,
    likelihood: 0.95,
    text: `${text} (an ESP32 then says OK and never connects)`,
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
  if (!isLeftWaiting(observed) || imageBytes === undefined) return undefined;
  if (slotBytes === imageBytes) {
    const image = `the file-system image (${thousands(imageBytes)} bytes)`;
    return {
      cause: 'filesystem-size',
      likelihood: otherTable,
      ...fitting(image, { slotBytes, place: 'partition' }),
    };
  }
  return {
    cause: 'filesystem-size',
    likelihood: slotBytes === undefined ? 0.5 : 0.95,
    text: `the file-system image (${thousands(imageBytes)} bytes) does not fit its partition (an ESP32 then says OK and never connects)`,
    cure,
  };
};

export const wrongChip: Rule = (observed) => {
  const { code, ownHint } = observed;
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
  return undefined;
};

const usualRestarts = ['software', 'power-on', 'external'];

export const oldImageRuns: Rule = ({ code, resetReason, isUnrestarted, platform }) => {
  if (code !== 'OLD_IMAGE_RUNS') return undefined;
  const found = { cause: 'old-image-runs', likelihood: 0.9 } as const;
  if (isUnrestarted === true) {
    return {
      ...found,
      text: 'the running sketch does not restart after an update (`ArduinoOTA.setRebootOnSuccess(false)`), or hangs',
      cure: 'restart it, by its own means or by its power.',
    };
  }
  const look = 'look at its serial output while it boots';
  if (resetReason !== undefined && !usualRestarts.includes(resetReason)) {
    return {
      ...found,
      text: `the new image crashed at its start (${resetReason}), and the device went back to the old one`,
      cure: `${look}.`,
    };
  }
  if (platform === 'esp8266') {
    return {
      ...found,
      text: 'the copy of the new image to its place failed, or it crashed at its start',
      cure: `${look}, and check the flash mode and size of the build.`,
    };
  }
  return {
    ...found,
    text: 'the new image crashed at its start and was rolled back, or the copy to its place failed',
    cure: `${look}; on an ESP8266 check the flash mode of the build.`,
  };
};

export const deviceGone: Rule = ({ code, restartsEveryMs, resetReason }) => {
  if (code !== 'DEVICE_GONE') return undefined;
  const last = 'flash by cable a sketch that works.';
  return restartsEveryMs === undefined
    ? {
        cause: 'device-gone',
        likelihood: 0.9,
        text: 'the new sketch crashes at its start, or does not find the Wi-Fi',
        cure: `look at its serial output while it boots; if it stays away, ${last}`,
      }
    : {
        cause: 'crash-loop',
        likelihood: 0.95,
        text: `the new sketch crashes soon after its start${resetReason === undefined ? '' : ` (${resetReason})`}`,
        cure: `push a sketch that works while the device is up, or ${last}`,
      };
};
