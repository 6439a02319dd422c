/** Stand-in until the proof by a URL is merged. */

import type { HttpProof } from '../../model/verification.ts';
import type { Proof } from './proof.ts';

export function httpProof(_config: HttpProof): Proof {
  return {
    name: 'http',
    offered: () => false,
    wait: () => Promise.resolve({ type: 'not-checked', why: 'this version cannot ask a URL' }),
  };
}
