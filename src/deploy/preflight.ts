/** May this image go to that device? The one answer for a push, a dry run and the doctor. Pure. */

import type { Engine } from '../engines/engine.ts';
import {
  imageFindings,
  platformFindings,
  type PreflightFacts,
  type PreflightFinding,
  type PreflightImage,
} from '../image/index.ts';
import type { Device, Target } from '../model/types.ts';

export interface TargetFacts extends PreflightFacts {
  readonly engine: Pick<Engine, 'name' | 'takes' | 'usualPlatforms'>;
}

/** What speaks against it; empty: nothing. A push refuses by the first error that is not allowed, others print them all. */
export function preflight(
  image: PreflightImage,
  target: PreflightPlace,
  { engine, partitions }: TargetFacts,
): readonly PreflightFinding[] {
  // In the order of the doctor's legs: both name the same error first.
  return [...preflightOfImage(image, target, { partitions }), ...preflightForDevice(image, target, engine)];
}

/** The part of it that needs no place: whether the image itself is what is meant, and fits the table. */
export function preflightOfImage(
  image: PreflightImage,
  device: Pick<Device, 'platform'>,
  facts: PreflightFacts,
): readonly PreflightFinding[] {
  return imageFindings(image, device, facts);
}

/** The rest of it: whether the device, and the way to it, take this image. */
export function preflightForDevice(
  image: PreflightImage,
  { name, platform, port, wording }: PreflightPlace,
  engine: TargetFacts['engine'],
): readonly PreflightFinding[] {
  const device = { name, platform, port, usualPlatforms: engine.usualPlatforms(port) };
  const ofPlatform = platformFindings(image, device);
  // The espota command has no flag that says the platform: a warning could only be lived with.
  const told = wording === 'espota' ? ofPlatform.filter(({ level }) => level === 'error') : ofPlatform;
  return [...engineFindings(image, engine), ...told];
}

type PreflightPlace = Pick<Target, 'name' | 'platform' | 'port'> & {
  readonly wording?: Device['wording'] | undefined;
};

function engineFindings(
  { path, kind, platform }: PreflightImage,
  { name, takes }: TargetFacts['engine'],
): PreflightFinding[] {
  const isTaken =
    takes.kinds.includes(kind) && (platform === undefined || takes.platforms.includes(platform));
  if (isTaken) return [];
  const what = takes.kinds.includes(kind) ? `image for ${platform}` : `${kind} image`;
  return [
    {
      code: 'IMAGE_NOT_OTA',
      level: 'error',
      message: `${path} cannot be pushed by ${name}, which takes no ${what}.`,
      hint: 'Choose another `engine:` for this device in .otarc, or push another image.',
      details: { image: path, engine: name },
    },
  ];
}
