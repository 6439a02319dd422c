import type { ImageKind } from '../types.ts';

/** What to do about an error number; undefined where nothing better is known than the answer itself. */
export function advise(number: number | undefined, kind: ImageKind): string | undefined {
  if (number === undefined) return undefined;
  // The room for a file system is fixed by the flash layout, whatever the sketch needs.
  return adviceFor[kind === 'filesystem' && number === 4 ? 5 : number];
}

/** Advice for the numbers of the ESP8266 and RP2040 cores' updater; the texts beside them differ by version. */
const adviceFor: Readonly<Record<number, string>> = {
  1: 'The flash could not be written: check the power supply, then push again.',
  2: 'The flash could not be erased: check the power supply, then push again.',
  4: 'The image does not fit beside the running sketch: make it smaller, or choose a flash layout with more room and flash by cable once.',
  5: 'The size does not fit the partition: build the file system for the flash layout that the device has.',
  7: 'The image was damaged on its way: push again; if it happens again, check the Wi-Fi signal.',
  8: 'The flash settings on the device are wrong for its chip: flash once by cable with the right flash size.',
  9: 'The image was built for a larger flash than the device has: choose the right board or flash size.',
  10: 'That is no image for this chip: push the application image (firmware.bin).',
  11: 'This is the first update after flashing by cable: press reset on the device once, then push again.',
  12: 'The signature was refused: sign the image with the key that the running sketch trusts.',
  14: 'The device is out of memory: power-cycle it, then push again.',
};
