/** Which hash of a password the device keeps. */

import type { Rule } from '../../../model/finding.ts';

/** Each core stores another hash: ESP32 from 3.3.1 on SHA-256, all others MD5. */
export const otherHash: Rule = ({ code, credential, nonceDigits }) => {
  if (code !== 'PASSWORD_WRONG') return undefined;
  if (credential === 'sha256-hash' && nonceDigits === 32) {
    return {
      cause: 'other-hash',
      likelihood: 0.98,
      text: 'the device uses MD5, and only a SHA-256 hash of its password is configured',
      isTold: true,
      cure: 'Configure the password itself, or the 32 hex digits of its MD5 as `passwordHash:`.',
    };
  }
  if (credential === 'md5-hash' && nonceDigits === 64) {
    return {
      cause: 'other-hash',
      // It takes an MD5 hash as well where its sketch has stored one: both forms were tried.
      likelihood: 0.4,
      text: 'the device keeps a SHA-256 hash (ESP32 core from 3.3.1 on), and only an MD5 hash is configured',
      cure: 'configure the password itself, or the 64 hex digits of its SHA-256.',
    };
  }
  return undefined;
};
