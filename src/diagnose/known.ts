/** What is known of a device and an image before anything is sent, as the diagnosis reads it. Pure. */

import type { Credential, Device, Image, Target } from '../model/types.ts';
import { withoutUndefined } from '../model/without-undefined.ts';
import type { Observations } from '../model/observations.ts';

/** As far as it came before it failed. */
export interface Subject {
  readonly device: Pick<Device, 'name' | 'isHomeding' | 'wording'>;
  readonly target?: Target | undefined;
  readonly image?: Pick<Image, 'kind' | 'sizeBytes' | 'platform' | 'chip'> | undefined;
  /** What the device has room for, where its partition table is known. */
  readonly slotBytes?: number | undefined;
}

export function knownOf({
  device: { name: device, isHomeding, wording },
  target,
  image,
  slotBytes,
}: Subject): Partial<Observations> & { readonly device: string } {
  const { address, port, via, platform, credential } = target ?? {};
  return {
    device,
    ...withoutUndefined({
      isHomeding,
      wording,
      address,
      port,
      via,
      platform,
      credential: credential && kindOf(credential),
      imagePlatform: image?.platform,
      imageChip: image?.chip,
      imageKind: image?.kind,
      imageBytes: image?.sizeBytes,
      slotBytes,
    }),
  };
}

function kindOf(credential: Credential): NonNullable<Observations['credential']> {
  if (credential.type === 'none') return 'none';
  if (credential.type === 'password') {
    const isLikeHash = /^(?:[\dA-F]{32}|[\dA-F]{64})$/i.test(credential.secret.reveal());
    return isLikeHash ? 'password-like-hash' : 'password';
  }
  return credential.secret.reveal().length === 64 ? 'sha256-hash' : 'md5-hash';
}
