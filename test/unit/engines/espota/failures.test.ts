import { describe, expect, test } from 'vitest';
import { knownOf } from '../../../../src/diagnose/known.ts';
import { errorCodes, OtaError } from '../../../../src/model/errors.ts';
import * as failures from '../../../../src/engines/espota/failures.ts';
import { transferFailed } from '../../../../src/engines/espota/transfer-failures.ts';
import type { TransferEnd } from '../../../../src/engines/espota/transfer.ts';
import { Secret } from '../../../../src/model/secret.ts';
import type { Image, Target } from '../../../../src/model/types.ts';
import { diagnosedFully } from '../../../support/diagnosed.ts';

const text = 'a-real-password';
const target: Target = {
  name: 'living room',
  address: '192.0.2.7',
  port: 8266,
  via: 'config',
  credential: { type: 'password', secret: new Secret(text) },
  acceptFrom: 'device',
  hostPort: 48266,
};
const observed: failures.Observed = {
  hostAddress: '192.0.2.1',
  hostPort: 48266,
  invitations: 9,
  datagramsReceived: 0,
  undeliverable: [],
  foreignConnections: [],
};
const where: failures.Where = { target, observed };
const image: Image = {
  path: 'firmware.bin',
  bytes: new Uint8Array(1000),
  sizeBytes: 1000,
  md5: '',
  sha256: '',
  kind: 'firmware',
};
const filesystem: Image = { ...image, kind: 'filesystem' };
const end = { sentBytes: 1000, acknowledgedBytes: 400, silentMs: 12_345 };
type Failed = TransferEnd & { type: Exclude<TransferEnd['type'], 'accepted'> };
const failed = (type: Failed['type'], more: Partial<Failed> = {}, of = image): OtaError =>
  transferFailed(where, of, { ...end, ...more, type });
const systemError = (code: string): Error => Object.assign(new Error(`bind ${code}`), { code });
const notPrepared = (code: string): OtaError => {
  const error = failures.notPrepared(systemError(code), target);
  if (!(error instanceof OtaError)) throw new Error(`${code} is not explained`);
  return error;
};

const all: [string, OtaError][] = [
  ['silent', failures.silent(where, { afterChallenge: false, waitedMs: 10_000 })],
  ['silent after AUTH', failures.silent(where, { afterChallenge: true, waitedMs: 10_000 })],
  [
    'nothing listens',
    failures.silent(withObserved({ undeliverable: ['ECONNREFUSED'] }), {
      afterChallenge: false,
      waitedMs: 10_000,
    }),
  ],
  [
    'no route',
    failures.silent(withObserved({ undeliverable: ['EHOSTUNREACH'] }), {
      afterChallenge: false,
      waitedMs: 10_000,
    }),
  ],
  ['password required', failures.passwordRequired(where)],
  ['password wrong', failures.passwordWrong(where, 'refused')],
  ['hash unfit', failures.passwordWrong(where, 'hash-unfit')],
  ['refused', failures.refused(where, { text: 'ERROR[4]: Not Enough Space', number: 4 })],
  ['refused without a reason', failures.refused(where, { text: '' })],
  ['busy', failures.refused(where, { text: 'ERROR[15]: Update already running', number: 15 })],
  ['no protocol', failures.noProtocol(where, 'HTTP/1.1 400')],
  ['no connection', failures.connectBackMissing(where, 15_000)],
  ['rejected', failed('rejected', { answer: 'ERROR[9]: new Flash config wrong' })],
  ['rejected, unknown text', failed('rejected', { answer: 'Sorry' })],
  ['rejected, file system', failed('rejected', { answer: 'ERROR[1]: Flash Write Failed' }, filesystem)],
  ['garbage', failed('garbage', { answer: '?' })],
  ['early OK', failed('early-ok', { sentBytes: 500 })],
  ['lost', failed('lost', { code: 'ECONNRESET' })],
  ['lost, file system', failed('lost', {}, filesystem)],
  ['stalled', failed('stalled')],
  ['stalled, file system', failed('stalled', {}, filesystem)],
  ['no verdict', failed('no-verdict', { acknowledgedBytes: 1000 })],
  ...['EADDRINUSE', 'EACCES', 'EADDRNOTAVAIL', 'EINVAL', 'ENETUNREACH', 'EHOSTUNREACH'].map(
    (code): [string, OtaError] => [code, notPrepared(code)],
  ),
];

describe.each(all)('%s', (_, error) => {
  test('names the device, has a hint, and gives no secret away', () => {
    expect(error.message).toContain('living room (192.0.2.7:8266)');
    expect(error.hint.length).toBeGreaterThan(20);
    expect(error.message).not.toMatch(/undefined|NaN|\n/);
    expect(error.hint).not.toMatch(/undefined|NaN/);
    expect(error.hint.split('\n').length).toBeLessThanOrEqual(6);
    expect(JSON.stringify([error, error.message, error.hint, error.details])).not.toContain(text);
  });

  test('its details are flat facts that JSON can carry', () => {
    expect(JSON.parse(JSON.stringify(error.details))).toEqual(
      Object.fromEntries(Object.entries(error.details).filter(([, value]) => value !== undefined)),
    );
  });
});

test.each<[string, string]>([
  ['silent', 'DEVICE_SILENT'],
  ['nothing listens', 'DEVICE_SILENT'],
  ['hash unfit', 'PASSWORD_WRONG'],
  ['busy', 'DEVICE_BUSY'],
  ['refused', 'DEVICE_REFUSED'],
  ['no connection', 'CONNECT_BACK_MISSING'],
  ['early OK', 'PROTOCOL_ERROR'],
  ['lost', 'CONNECTION_LOST'],
  ['lost, file system', 'FILESYSTEM_HALF_WRITTEN'],
  ['stalled', 'TRANSFER_STALLED'],
  ['stalled, file system', 'FILESYSTEM_HALF_WRITTEN'],
  ['no verdict', 'NO_VERDICT'],
  ['EACCES', 'HOST_PORT_IN_USE'],
])('%s is %s', (name, code) => {
  expect(all.find(([itsName]) => itsName === name)?.[1].code).toBe(code);
});

describe('what the diagnosis makes of it', () => {
  const told = (error: OtaError, of: Image = image, at: Target = target): string =>
    diagnosedFully(error, knownOf({ device: at, target: at, image: of })).hint;

  test('the variable of the device', () => {
    expect(told(failures.passwordRequired(where))).toContain('OTARC_PASSWORD_LIVING_ROOM');
  });

  test('no connection: a firewall; on an ESP32 the slot too; a stranger: acceptFrom', () => {
    const missing = failures.connectBackMissing(where, 15_000);
    expect(told(missing)).toMatch(/firewall.*48266/);
    const esp32 = { ...target, platform: 'esp32' as const };
    expect(told(missing, image, esp32)).toMatch(/firewall.*1,000 bytes.*slot/s);
    expect(told(missing, filesystem, esp32)).not.toContain('slot');
    const strange = failures.connectBackMissing(withObserved({ foreignConnections: ['192.0.2.99'] }), 15_000);
    expect(told(strange)).toMatch(/192\.0\.2\.99.*acceptFrom: any/);
  });

  test('an end while it counts: it gave up; a reset after silence: it has restarted; an end after silence: neither', () => {
    const of = (more: Partial<Failed>): OtaError => {
      const sent: Image = { ...image, platform: 'esp32', chip: 'esp32-s3' };
      const error = transferFailed(where, sent, { ...end, silentMs: 20, type: 'lost', ...more });
      return diagnosedFully(error, knownOf({ device: target, target, image: sent }));
    };
    const prompt = of({ code: 'ECONNRESET' });
    expect(prompt.message).toContain('gave up');
    expect(prompt.hint).toMatch(
      /^Most likely the device gave up.*built for an ESP32-S3.*\nOr its power dips/,
    );
    const later = of({ code: 'ECONNRESET', acknowledgedBytes: 400_000 });
    expect(later.hint).toMatch(
      /^Most likely the device gave up: it could not write its flash.*\nOr its power dips/,
    );
    const restarted = of({ code: 'ECONNRESET', silentMs: 4000 });
    expect(restarted.message).toContain('was silent for 4 s');
    expect(restarted.hint).toMatch(/^Most likely the device restarted/);
    expect(of({}).message).toBe(prompt.message);
    const ended = of({ silentMs: 4000 });
    expect(ended.message).toContain('closed the connection');
    expect(ended.hint).not.toContain('gave up');
  });

  test('the number of the updater', () => {
    expect(told(failures.refused(where, { text: 'ERROR[11]: x', number: 11 }))).toContain('reset');
    expect(told(failures.refused(where, { text: 'ERROR[99]: x', number: 99 }))).toBe(
      errorCodes.DEVICE_REFUSED.hint,
    );
    expect(told(failed('rejected', { answer: 'MD5 Check Failed' }))).toContain('damaged');
  });
});

test('what an interrupted exchange had observed goes along', () => {
  const late = new OtaError('TIMEOUT', 'It was not done.', { details: { timeoutMs: 5000 } });
  expect(failures.withObserved(late, observed)).toMatchObject({
    code: 'TIMEOUT',
    details: { timeoutMs: 5000, invitations: 9 },
  });
});

test('an error that is none of the network is given back', () => {
  const error = new TypeError('a mistake');
  expect(failures.notPrepared(error, target)).toBe(error);
});

test('deviceText', () => {
  expect(failures.deviceText({ ...target, name: '192.0.2.7' })).toBe('192.0.2.7:8266');
  expect(failures.deviceText({ ...target, name: 'fe80::1', address: 'fe80::1' })).toBe('[fe80::1]:8266');
});

function withObserved(more: Partial<failures.Observed>): failures.Where {
  return { target, observed: { ...observed, ...more } };
}
