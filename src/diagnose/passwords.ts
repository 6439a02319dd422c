/** What is wrong with the password. */

import { passwordVariable } from '../model/secret.ts';
import type { Rule } from '../model/finding.ts';
import { wordsOf } from '../model/wording.ts';

export const missingPassword: Rule = ({ code, device, wording }) =>
  code !== 'PASSWORD_REQUIRED'
    ? undefined
    : {
        cause: 'password-required',
        likelihood: 0.95,
        isTold: true,
        text: 'the device asks for a password, and none is configured',
        cure: wordsOf(wording).password(passwordVariable(device)),
      };

export const wrongPassword: Rule = ({ code, credential }) =>
  code !== 'PASSWORD_WRONG' || credential === 'password-like-hash'
    ? undefined
    : {
        cause: 'password-wrong',
        likelihood: 0.7,
        isTold: true,
        text: 'the configured password is not that of the device',
        cure:
          credential === 'md5-hash' || credential === 'sha256-hash'
            ? 'Compare `passwordHash:` with setPasswordHash(…) of the sketch that runs on the device now, not of the new one. If that calls setPassword(…), configure `password:`.'
            : 'Compare it with ArduinoOTA.setPassword(…) of the sketch that runs on the device now, not of the new one.',
      };

/** It was hashed once more, as a password is. */
export const hashAsPassword: Rule = ({ code, credential, wording }) =>
  code !== 'PASSWORD_WRONG' || credential !== 'password-like-hash'
    ? undefined
    : {
        cause: 'hash-as-password',
        likelihood: 0.75,
        text: 'the configured password looks like a hash (32 or 64 hexadecimal digits), and was taken for the password itself',
        cure: `${wordsOf(wording).hash} Else compare it with ArduinoOTA.setPassword(…) of the sketch that runs on the device now.`,
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
