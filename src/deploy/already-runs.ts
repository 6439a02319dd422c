/**
 * Whether a device runs an image already, by its own word: asked now, at its own address, and heard from there. What was
 * heard earlier does not count, for somebody may have flashed it by cable since.
 */

import { isAddress, isSameAddress } from '../model/address.ts';
import type { Announcement } from '../model/announcement.ts';
import type { Device, Image, Target } from '../model/types.ts';
import { sumsOfImage } from '../image/running-sums.ts';
import { isAt, match, matchesOf, refOf } from '../network/match.ts';
import { openRegistry, type Registry } from '../network/registry.ts';
import { saidIn } from '../network/said.ts';

/** `not-known`: it said nothing in time, or nothing that can be relied on. */
export type SaidToRun = 'this-image' | 'another' | 'not-known';

export interface RunsQuestion {
  readonly device: Pick<Device, 'name' | 'host' | 'port' | 'interfaces'>;
  readonly target: Pick<Target, 'address' | 'port' | 'platform'>;
  readonly image: Image;
  readonly signal: AbortSignal;
}

/** A device in modem sleep hears the question at its next beacon; one that answers later gets the image once more. */
export const answerLimitMs = 300;

/** Never throws: a device that cannot be asked is pushed to. A file system has no sum that a device reports. */
export async function askWhetherRuns(question: RunsQuestion): Promise<SaidToRun> {
  const { device, target, image, signal } = question;
  if (image.kind !== 'firmware' || signal.aborted) return 'not-known';
  let registry: Registry;
  try {
    registry = openRegistry({ interfaces: device.interfaces });
  } catch {
    // The push reports it.
    return 'not-known';
  }
  try {
    // A responder answers nobody from beyond its own subnet (protocol.md).
    if (!registry.here().onLink(target.address)) return 'not-known';
    const sums = sumsOfImage(image, target.platform);
    const md5 = await heardSum(registry, question);
    return md5 === undefined ? 'not-known' : sums.has(md5) ? 'this-image' : 'another';
  } finally {
    registry.close();
  }
}

function heardSum(registry: Registry, { device, target, signal }: RunsQuestion): Promise<string | undefined> {
  return new Promise((resolve) => {
    const end = (md5: string | undefined): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', giveUp);
      resolve(md5);
    };
    const giveUp = (): void => end(undefined);
    const timer = setTimeout(giveUp, answerLimitMs);
    signal.addEventListener('abort', giveUp);
    // Only what comes from now on.
    const heard = registry.listen(() => {
      const md5 = sumSaidAt(heard.announcements(), device, target);
      if (md5 !== undefined) end(md5);
    });
    const ref = refOf(device);
    // By multicast as well: of several programs of one host that answer at that port, one alone gets what is sent to it.
    registry.watch(ref.hosts.every(isAddress) ? 'all' : ref, () => {});
    registry.ask({ at: target.address });
  });
}

/**
 * Pure. Undefined as well where another device may be meant by the name, or somebody else speaks for this one with another
 * sum (a reflector repeats what was true a while ago).
 */
export function sumSaidAt(
  heard: readonly Announcement[],
  device: RunsQuestion['device'],
  { address, port }: Pick<Target, 'address' | 'port'>,
): string | undefined {
  const ref = refOf(device);
  if (heard.some((each) => match(ref, each) === 'conflict')) return undefined;
  const [own, ...others] = matchesOf(ref, heard);
  if (own === undefined || others.length > 0) return undefined;
  if (own.port !== port || !isAt(own, [address])) return undefined;
  const said = (own.texts ?? []).map(({ sender, txt }) => ({ sender, md5: saidIn({ txt }).md5 }));
  const md5 = said.find(({ sender }) => isSameAddress(sender, address))?.md5;
  return said.every((each) => each.md5 === undefined || each.md5 === md5) ? md5 : undefined;
}
