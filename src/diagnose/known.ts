/** What is known of a device and an image before anything is sent, as the diagnosis reads it. Pure. */

import type { Credential, Image, Target } from '../types.ts';
import { withoutUndefined } from '../without-undefined.ts';
import type { Observations } from './observations.ts';

type Known = Partial<Observations> & { readonly device: string };

export function knownOf(
  { name: device, address, port, via, platform, credential }: Target,
  image?: Pick<Image, 'kind' | 'sizeBytes' | 'platform'>,
): Known {
  return {
    device,
    address,
    port,
    via,
    credential: kindOf(credential),
    ...withoutUndefined({
      platform,
      imagePlatform: image?.platform,
      imageKind: image?.kind,
      imageBytes: image?.sizeBytes,
    }),
  };
}

function kindOf(credential: Credential): NonNullable<Observations['credential']> {
  if (credential.type !== 'hash') return credential.type;
  return credential.secret.reveal().length === 64 ? 'sha256-hash' : 'md5-hash';
}
