/** Stand-in until the proof by a URL is merged. */

import type { Image } from '../../model/types.ts';
import type { HttpProof } from '../../model/verification.ts';
import type { Proof } from './proof.ts';

export function httpProof(_config: HttpProof, _sumsOf?: (image: Image) => Iterable<string>): Proof {
  return {
    name: 'http',
    offered: () => false,
    wait: () => Promise.resolve({ type: 'not-checked', why: 'this version cannot ask a URL' }),
  };
}
