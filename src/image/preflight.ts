/**
 * May this image go to that device? Whatever can be known to be wrong before the device is disturbed, all of it at once: a push
 * refuses by the first error that is not allowed, others print them all.
 */

import type { AllowableCode } from '../model/allowable.ts';
import { OtaError, type ErrorCode } from '../model/errors.ts';
import { thousands } from '../model/numbers.ts';
import type { Image, Platform } from '../model/types.ts';
import { chipName } from './chips.ts';
import { appSlots, filesystemPartition, type PartitionTable } from './partition.ts';

/** What speaks against this image on that device. Every error here is one that the user may allow. */
export interface PreflightFinding {
  readonly code: AllowableCode;
  readonly level: 'error' | 'warning';
  readonly message: string;
  /** The next thing to do; of an error, with the flag that lets it pass. */
  readonly hint: string;
  /** Facts for scripts. */
  readonly details: Readonly<Record<string, unknown>>;
}

/** The device, as far as it is known. */
export interface PreflightTarget {
  readonly name?: string | undefined;
  readonly platform?: Platform | undefined;
  /** Where it is pushed to. Absent: nothing is concluded from the port. */
  readonly port?: number | undefined;
  /** The platforms whose devices listen on that port unless something says otherwise. */
  readonly usualPlatforms?: readonly Platform[] | undefined;
}

export interface PreflightFacts {
  /** Of the device or the build. Absent: the sizes are for the device to check. */
  readonly partitions?: PartitionTable | undefined;
}

/** What of an image is looked at. */
export type PreflightImage = Pick<
  Image,
  'path' | 'sizeBytes' | 'kind' | 'platform' | 'chip' | 'compression' | 'doubts'
>;

/** Empty: nothing speaks against it. Pure; throws on nothing. */
export function imagePreflight(
  image: PreflightImage,
  target: PreflightTarget,
  facts: PreflightFacts,
): readonly PreflightFinding[] {
  return [...imageFindings(image, target, facts), ...platformFindings(image, target)];
}

/** The part about the image itself, for which no device need be found: is it what is meant, and does it fit the table. */
export function imageFindings(
  image: PreflightImage,
  { platform }: Pick<PreflightTarget, 'platform'>,
  { partitions }: PreflightFacts,
): readonly PreflightFinding[] {
  return [...doubtsOf(image), ...(partitions === undefined ? [] : sizeFindings(image, partitions, platform))];
}

/**
 * Throws the first error that is not allowed. What passes, warnings and allowed errors, is handed to `onPassed` as a sentence.
 */
export function refuseByFirst(
  findings: readonly PreflightFinding[],
  {
    allowed,
    onPassed,
  }: { readonly allowed: ReadonlySet<ErrorCode> | 'all'; readonly onPassed: (message: string) => void },
): void {
  for (const { code, level, message, hint, details } of findings) {
    if (level === 'warning') onPassed(`${message} ${hint}`);
    else if (allowed === 'all' || allowed.has(code)) onPassed(`${code} was allowed: ${message}`);
    else throw new OtaError(code, message, { hint, details });
  }
}

function doubtsOf({ path, doubts = [] }: PreflightImage): PreflightFinding[] {
  return doubts.map(({ code, message, hint }) =>
    refusal(code, `${path} ${message}.`, { hint, details: { image: path } }),
  );
}

/**
 * The part about the device. An ESP32 image passes every check that an ESP8266 makes, and would then be copied over its boot
 * sector. So where image and device contradict each other, and where nothing says what the device is, it is not pushed. An
 * ESP8266 image harms an RP2040 alone: a device at a port of its own is far more often an ESP8266, whose user is only warned.
 */
export function platformFindings(
  image: PreflightImage,
  { name, platform, port, usualPlatforms = [] }: PreflightTarget,
): PreflightFinding[] {
  if (image.platform === undefined || image.platform === platform) return [];
  if (platform !== undefined) {
    const built = chipName(image.chip ?? image.platform);
    const message = `${image.path} is built for the ${built}, and the device is an ${chipName(platform)}.`;
    const details = { image: image.path, imagePlatform: image.platform, devicePlatform: platform };
    const hint = 'Build for the chip that the device has, or correct `platform:` in .otarc.';
    return [refusal('IMAGE_WRONG_CHIP', message, { hint, details })];
  }
  if (port === undefined) return [];
  if (usualPlatforms.includes(image.platform)) return [];
  // A port that is another core's default asks the question once; any other port does for what another chip takes unseen.
  const isUnusual = usualPlatforms.length === 0;
  const harmed = takenUnseenBy(image);
  if (isUnusual && harmed.length === 0) return [];
  const chip = chipName(image.platform);
  const code = 'IMAGE_WRONG_CHIP';
  const message = `The image is for an ${chip}, and otarc cannot tell whether ${name ?? 'the device'} at port ${port} is one.`;
  const say = `If it is, say --platform ${image.platform}, or \`platform: ${image.platform}\` in .otarc.`;
  const details = { imagePlatform: image.platform, port };
  if (isUnusual && !harmed.includes('esp8266')) {
    const hint = `${say} ${harmed.map((each) => `An ${chipName(each)}`).join(', ')} takes it unchecked, and does not start again.`;
    return [{ code, level: 'warning', message, hint, details }];
  }
  return [refusal(code, message, { hint: `${say} Another chip may not survive this image.`, details })];
}

/**
 * The other chips whose updaters take such an image. An ESP8266 looks at the first byte and the flash size, and at nothing
 * inside a gzip; an RP2040 looks at nothing at all. An ESP32 checks whatever it is to start.
 */
function takenUnseenBy({ platform, compression }: PreflightImage): readonly Platform[] {
  const isTakenByEsp8266 = platform === 'esp32' || (platform === 'rp2040' && compression === 'gzip');
  return [
    ...(isTakenByEsp8266 ? (['esp8266'] as const) : []),
    ...(platform === 'rp2040' ? [] : (['rp2040'] as const)),
  ];
}

/** Only the ESP32 family has such a table: whatever is for another platform passes. */
function sizeFindings(
  image: PreflightImage,
  table: PartitionTable,
  device: Platform | undefined,
): PreflightFinding[] {
  const { platform = device } = image;
  if (platform === 'esp8266' || platform === 'rp2040') return [];
  return image.kind === 'firmware' ? slotFindings(image, table) : fileSystemFindings(image, table);
}

function slotFindings({ path, sizeBytes }: PreflightImage, table: PartitionTable): PreflightFinding[] {
  const slots = appSlots(table);
  const [smallest] = slots;
  const largest = slots.at(-1);
  if (smallest === undefined || largest === undefined) {
    const message = `The partition table has no OTA slot for ${path}.`;
    const hint = 'Flash a layout with two OTA slots by cable; one without them takes no update over the air.';
    return [refusal('IMAGE_TOO_LARGE', message, { hint, details: { image: path, sizeBytes } })];
  }
  if (sizeBytes <= smallest.sizeBytes) return [];
  const details = { image: path, sizeBytes, slotBytes: largest.sizeBytes };
  const hint = 'Make the image smaller, or flash a larger partition layout by cable.';
  if (sizeBytes <= largest.sizeBytes) {
    // The device itself refuses it where it is the smaller one's turn, and loses nothing.
    const message = `${path} has ${thousands(sizeBytes)} bytes and fits the slot "${largest.label}" (${thousands(largest.sizeBytes)}) alone, not "${smallest.label}" (${thousands(smallest.sizeBytes)}): every other update will fail.`;
    return [{ code: 'IMAGE_TOO_LARGE', level: 'warning', message, hint, details }];
  }
  const excess = sizeBytes - largest.sizeBytes;
  const message = `${path} has ${thousands(sizeBytes)} bytes, ${thousands(excess)} more than the OTA slot of ${thousands(largest.sizeBytes)}.`;
  return [refusal('IMAGE_TOO_LARGE', message, { hint, details })];
}

function fileSystemFindings({ path, sizeBytes }: PreflightImage, table: PartitionTable): PreflightFinding[] {
  const partition = filesystemPartition(table);
  if (partition === undefined) {
    const message = `The partition table has no place for ${path}.`;
    const hint = 'Flash a layout with a spiffs or littlefs partition by cable.';
    return [refusal('IMAGE_TOO_LARGE', message, { hint, details: { image: path, sizeBytes } })];
  }
  if (sizeBytes === partition.sizeBytes) return [];
  const message = `${path} has ${thousands(sizeBytes)} bytes, and the partition "${partition.label}" has ${thousands(partition.sizeBytes)}: a file-system image must fill it exactly.`;
  const hint = 'Build the file-system image for the partition layout that the device has.';
  const details = { image: path, sizeBytes, partitionBytes: partition.sizeBytes };
  return [refusal('IMAGE_TOO_LARGE', message, { hint, details })];
}

function refusal(
  code: AllowableCode,
  message: string,
  { hint, details }: Pick<PreflightFinding, 'hint' | 'details'>,
): PreflightFinding {
  return {
    code,
    level: 'error',
    message,
    hint: `${hint} To push it all the same: \`otarc push --allow ${code}\`.`,
    details,
  };
}
