/** What is wrong with the password. */

import { passwordVariable } from '../model/secret.ts';
import type { Rule } from './finding.ts';
import { wordsOf } from '../model/wording.ts';

export const passwordRequired: Rule = ({ code, device, wording }) =>
  code !== 'PASSWORD_REQUIRED'
    ? undefined
    : {
        cause: 'password-required',
        likelihood: 0.95,
        isTold: true,
        text: 'the device asks for a password, and none is configured',
        cure: wordsOf(wording).password(passwordVariable(device)),
      };

export const passwordWrong: Rule = ({ code, credential }) =>
  code !== 'PASSWORD_WRONG'
    ? undefined
    : {
        cause: 'password-wrong',
        likelihood: 0.7,
        isTold: true,
        text: 'the configured password is not that of the device',
        cure:
          credential === 'md5-hash' || credential === 'sha256-hash'
            ? 'Compare `passwordHash:` with setPasswordHash(…) of the sketch that runs on the device now, not of the new one.'
            : 'Compare it with ArduinoOTA.setPassword(…) of the sketch that runs on the device now, not of the new one.',
      };

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

/** Not a failure: whoever can reach the device can update it. */
export const passwordUnneeded: Rule = ({ code, asksPassword, credential = 'none' }) =>
  code !== undefined || asksPassword !== false || credential === 'none'
    ? undefined
    : {
        cause: 'password-unneeded',
        likelihood: 0.9,
        text: 'the device asks for no password, although one is configured',
        cure: 'call ArduinoOTA.setPassword(…) in its sketch, or everybody in its network can update it.',
      };
