import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OtaError } from '../../../src/model/errors.ts';
import { isRestarted, parseSystemInfo } from '../../../src/deploy/verify/homeding.ts';
import {
  identifies,
  meets,
  refuseUnknown,
  urlFor,
  type Asked,
} from '../../../src/deploy/verify/expectation.ts';

const image = { path: '/p/firmware.bin', md5: 'a'.repeat(32), version: '1.2+x', identity: 'beef' };
const asked: Asked = { name: 'living room', address: '192.0.2.7', image };
const url = 'http://{address}/';

const answer = (expected: object, text: string) => meets({ url, ...expected }, asked, text);

describe('the URL that is asked', () => {
  it.each([
    ['http://{address}/v?of={name}', '192.0.2.7', 'http://192.0.2.7/v?of=living%20room'],
    ['http://{address}:8080/{version}', '2001:db8::1', 'http://[2001:db8::1]:8080/1.2%2Bx'],
    ['http://{address}/{identity}', 'fe80::1%eth0', 'http://[fe80::1]/beef'],
  ])('%s at %s', (template, address, expected) => {
    expect(urlFor({ url: template }, { ...asked, address }).href).toBe(expected);
  });
});

describe('an answer', () => {
  it.each([
    ['contains the text', { contains: 'v{version}' }, 'runs v1.2+x.', 'met'],
    ['does not', { contains: 'v{version}' }, 'runs v1.2', 'not-met'],
    ['matches', { matches: '^v{version}$' }, 'v1.2+x', 'met'],
    ['matches, its values being no pattern', { matches: '^v{version}$' }, 'v1.22x', 'not-met'],
    [
      'has the value',
      { json: { pointer: '/a/0/m~1d', equals: '{md5}' } },
      `{"a":[{"m/d":"${image.md5}"}]}`,
      'met',
    ],
    ['has another', { json: { pointer: '/a', equals: '1' } }, '{"a":2}', 'not-met'],
    ['has a number', { json: { pointer: '/a', equals: '1' } }, '{"a":1}', 'met'],
    ['has nothing there', { json: { pointer: '/b/c', equals: '1' } }, '{"a":1}', 'not-met'],
    ['is no JSON', { json: { pointer: '', equals: 'x' } }, '<html>', 'not-met'],
    ['is the value', { json: { pointer: '', equals: 'null' } }, 'null', 'met'],
  ])('%s', (_, expected, text, type) => {
    expect(answer(expected, text).type).toBe(type);
  });

  it('may name any sum of the image', () => {
    const sums = ['b'.repeat(32), 'c'.repeat(32)];
    const sent = (text: string) => meets({ url, contains: 'md5={md5};' }, { ...asked, sums }, text).type;
    expect(['a', 'b', 'c', 'd'].map((each) => sent(`md5=${each.repeat(32)};`))).toEqual([
      'met',
      'met',
      'met',
      'not-met',
    ]);
  });

  it('does not hold otarc up, whatever the pattern', () => {
    expect(answer({ matches: '^(a+)+$' }, `${'a'.repeat(64)}!`)).toMatchObject({ type: 'never' });
  });

  it('is made safe where it is quoted, and cut', () => {
    const shown = answer({ contains: 'x' }, `\u001b[31m${'é\n'.repeat(5000)}`);
    expect(shown).toMatchObject({ type: 'not-met' });
    expect(JSON.stringify(shown)).toContain(String.raw`\\u001b[31m`);
    expect(JSON.stringify(shown).length).toBeLessThan(150);
  });

  it('never throws, and says nothing unfit for a terminal', () => {
    const expectations = fc.constantFrom(
      { contains: 'q{md5}' },
      { matches: 'q{name}' },
      { json: { pointer: '/a/b', equals: 'q' } },
    );
    fc.assert(
      fc.property(expectations, fc.oneof(fc.string({ unit: 'binary' }), fc.json()), (expected, text) => {
        const found = answer(expected, text);
        // oxlint-disable-next-line no-control-regex
        if (found.type === 'not-met') expect(found.why).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202e]/);
      }),
    );
  });
});

describe('a placeholder', () => {
  it('without a value for this image is an error before the push', () => {
    const old = { ...asked, image: { path: image.path, md5: image.md5 } };
    const refused = (contains: string) => () => refuseUnknown({ url, contains }, old);
    expect(refused('{md5}')).not.toThrow();
    for (const each of ['version', 'identity']) {
      expect(refused(`{${each}}`)).toThrow(OtaError);
      expect(refused(`{${each}}`)).toThrow(`{${each}}, and /p/firmware.bin does not say its ${each}`);
    }
  });

  it('of the image alone identifies it', () => {
    expect(identifies({ url, contains: '{md5}' })).toBe(true);
    expect(identifies({ url, json: { pointer: '/a', equals: '{identity}' } })).toBe(true);
    // Two builds may have one version; what is asked says nothing of the answer.
    expect(identifies({ url: `${url}{md5}`, contains: '{version}' })).toBe(false);
  });
});

describe('HomeDing’s system information', () => {
  it.each([
    ['{"upTime":12,"build":"Mar 28 2026"}', { upTime: 12, build: 'Mar 28 2026' }],
    ['{"uptime":"12"}', { upTime: 12 }],
    ['{"upTime":"soon","build":3}', {}],
    ['[1]', undefined],
    ['<html>', undefined],
  ])('%s', (text, expected) => {
    expect(parseSystemInfo(text)).toEqual(expected);
  });

  it.each([
    ['less than before', { upTime: 50 }, { upTime: 900 }, 2_000, true],
    ['less than since the push', { upTime: 1 }, undefined, 2_000, true],
    ['more than both', { upTime: 902 }, { upTime: 900 }, 2_000, false],
    ['unknown', {}, { upTime: 900 }, 2_000, false],
    ['not answered', undefined, { upTime: 900 }, 2_000, false],
  ])('an uptime that is %s', (_, info, before, afterMs, expected) => {
    expect(isRestarted(info, { before, afterMs })).toBe(expected);
  });
});
