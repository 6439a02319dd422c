/** The forms of the texts under `verify:`. Pure. */

import { filled } from '../model/placeholders.ts';
import { proofMethods } from '../model/verification.ts';

export const verifyMethods = ['auto', 'none', ...proofMethods] as const;

/** RFC 6901. */
export const pointerPattern = /^(?:$|\/(?:[^~]|~[01])*$)/;

export const proofUrlWords = 'must be an http:// or https:// URL, without a user name or password in it';

/** Node's URL takes braces in a host for what they are, and a port of braces for a mistake: so they are filled first. */
export function isProofUrl(text: string): boolean {
  const sample = filled(text, (name) => (name === 'address' ? '192.0.2.1' : 'x'));
  if (!URL.canParse(sample)) return false;
  const { protocol, username, password } = new URL(sample);
  return /^https?:$/.test(protocol) && username === '' && password === '';
}
