import { expect, describe, it } from 'vitest';
import { checkFile } from '../../../src/config/check-file.ts';
import { pathText } from '../../../src/config/problem.ts';
import { onVerifyFailedOf, resolveVerify } from '../../../src/config/resolve-verify.ts';
import { Ledger, sourced } from '../../../src/config/sources.ts';

function mistakes(verify: unknown): string[] {
  const checked = checkFile({ verify });
  return checked.ok ? [] : checked.issues.map(({ path, message }) => `${pathText(path)}: ${message}`);
}

const url = 'http://{address}/version';

/** What a device `a` gets of `verify:` at the top and of its own, and the rows of `otarc config`. */
function resolved(all: unknown, own?: unknown) {
  const checked = checkFile({
    ...(all !== undefined && { verify: all }),
    devices: { a: own === undefined ? {} : { verify: own } },
  });
  if (!checked.ok) throw new Error(JSON.stringify(checked.issues));
  const { settings } = checked;
  const file = {
    file: '/home/me/p/.otarc',
    settings,
    placeOf: (path: readonly PropertyKey[]) => pathText(path),
  };
  const ledger = new Ledger();
  const device = settings.devices?.['a'];
  const verify = resolveVerify(file, ledger, {
    label: 'devices.a',
    path: ['devices', 'a'],
    own: typeof device === 'object' ? device?.verify : undefined,
  });
  return { verify, origins: ledger.origins };
}

describe('mistakes under `verify:`', () => {
  it.each([
    [
      'a URL of another kind',
      { http: { url: 'ftp://x/', contains: 'a' } },
      'verify.http.url',
      'must be an http',
    ],
    ['no URL', { http: { url: 'livingroom', contains: 'a' } }, 'verify.http.url', 'must be an http'],
    [
      'a password in it',
      { http: { url: 'http://a:b@x/', contains: 'a' } },
      'verify.http.url',
      'must be an http',
    ],
    ['no expectation', { http: { url } }, 'verify.http', 'one of contains, matches, json'],
    [
      'two of them',
      { http: { url, contains: 'a', matches: 'b' } },
      'verify.http',
      'only one of contains, matches',
    ],
    [
      'a broken pattern',
      { http: { url, matches: '(' } },
      'verify.http.matches',
      'must be a regular expression',
    ],
    [
      'a broken pointer',
      { http: { url, json: { pointer: 'md5', equals: 1 } } },
      'verify.http.json.pointer',
      'must be a JSON pointer',
    ],
    [
      'a mistyped placeholder',
      { http: { url: 'http://{adress}/', contains: 'a' } },
      'verify.http.url',
      'did you mean {address}?',
    ],
    [
      'one that nothing is like',
      { http: { url, contains: '{x}' } },
      'verify.http.contains',
      'known here: {address}, {name}',
    ],
    [
      'one in the value',
      { http: { url, json: { pointer: '/a', equals: '{md}' } } },
      'verify.http.json.equals',
      'did you mean {md5}?',
    ],
    ['a method without its settings', { method: 'http' }, 'verify.method', 'needs `http:`'],
    ['the same in short', 'command', 'verify', 'needs `command:`'],
    ['a mistyped method', 'anounce', 'verify', 'did you mean "announce"?'],
    ['a mistyped key', { timeoutSecond: 1 }, 'verify.timeoutSecond', 'did you mean "timeoutSeconds"?'],
    ['no time', { timeoutSeconds: 0 }, 'verify.timeoutSeconds', 'must be a number of seconds'],
    ['an empty command', { command: [] }, 'verify.command', 'must not be empty'],
  ])('are found: %s', (_, verify, path, words) => {
    const [only, ...more] = mistakes(verify);
    expect(only?.slice(0, path.length + 1)).toBe(`${path}:`);
    expect(only).toContain(words);
    expect(more).toEqual([]);
  });

  it('are reported all at once, and quote no value', () => {
    const all = mistakes({
      method: 'htp',
      timeoutSeconds: -1,
      http: { url: 'hunter2', contains: '{hunter3}', matches: '(hunter4' },
    });
    expect(all.map((each) => each.split(':', 1)[0])).toEqual([
      'verify.method',
      'verify.timeoutSeconds',
      'verify.http.url',
      'verify.http.matches',
      'verify.http',
      'verify.http.contains',
    ]);
    expect(all.join()).not.toContain('hunter');
  });

  it.each([
    ['counts and classes', { http: { url, matches: String.raw`v\d{1,3}[{}]` } }],
    ['JSON', { http: { url, contains: '{"ok":true}' } }],
    ['each placeholder', { http: { url: `${url}/{name}?{md5}`, contains: '{md5}{version}{identity}' } }],
    [
      'a placeholder as a port',
      { http: { url: 'https://{address}:8443/', json: { pointer: '', equals: 3 } } },
    ],
    ['nothing', null],
  ])('are not seen in %s', (_, verify) => {
    expect(mistakes(verify)).toEqual([]);
  });
});

describe('`verify:` of a device', () => {
  it('is absent where nothing is written', () => {
    expect(resolved(undefined)).toEqual({ verify: undefined, origins: [] });
  });

  it.each([
    ['none', { method: 'none', isAskedFor: false }],
    ['auto', { method: 'auto', isAskedFor: false }],
    ['announce', { method: 'announce', isAskedFor: true }],
    [{ timeoutSeconds: 5 }, { method: 'auto', isAskedFor: false, timeoutMs: 5000 }],
    [{ command: ['./check.sh'] }, { method: 'command', isAskedFor: true, commandDir: '/home/me/p' }],
    [
      { method: 'none', command: ['x'] },
      { method: 'none', isAskedFor: false },
    ],
  ])('from the top: %j', (all, expected) => {
    expect(resolved(all).verify).toMatchObject({ timeoutMs: 60_000, ...expected });
  });

  it('outranks the top key by key', () => {
    const all = { method: 'return', timeoutSeconds: 9, http: { url, contains: 'a' } };
    const { verify, origins } = resolved(all, { method: 'http' });
    expect(verify).toMatchObject({ method: 'http', timeoutMs: 9000, http: { contains: 'a' } });
    expect(origins.map(({ path, value, origin }) => `${path} ${String(value)} ${origin}`)).toEqual([
      'devices.a.verify.method http devices.a.verify.method',
      'devices.a.verify.timeoutSeconds 9 verify.timeoutSeconds',
      `devices.a.verify.http.url ${url} verify.http.url`,
      'devices.a.verify.http.contains a verify.http.contains',
    ]);
  });

  it('wants proof where it says how, though the top says none', () => {
    expect(resolved('none', { command: ['x'] }).verify).toMatchObject({
      method: 'command',
      isAskedFor: true,
    });
  });

  it('compares values of JSON as text', () => {
    const http = { url, json: { pointer: '/build', equals: 12 } };
    expect(resolved({ http }).verify?.http?.json).toEqual({ pointer: '/build', equals: '12' });
  });
});

describe('`onVerifyFailed`', () => {
  const chosen = (ofAll?: string, own?: string) => {
    const checked = checkFile({
      ...(ofAll !== undefined && { push: { onVerifyFailed: ofAll } }),
      devices: { a: own === undefined ? {} : { onVerifyFailed: own } },
    });
    if (!checked.ok) throw new Error(JSON.stringify(checked.issues));
    const { settings } = checked;
    const file = { file: '/p/.otarc', settings, placeOf: pathText };
    const device = settings.devices?.['a'];
    const said = typeof device === 'object' ? device?.onVerifyFailed : undefined;
    return onVerifyFailedOf(file, new Ledger(), { label: 'devices.a', own: said && sourced(said, 'own') });
  };

  it.each([
    [undefined, undefined, undefined],
    ['rollback', undefined, 'rollback'],
    ['rollback', 'report', undefined],
    ['report', 'rollback', 'rollback'],
  ])('%s for all, %s for the device: %s', (ofAll, own, result) => {
    expect(chosen(ofAll, own)).toBe(result);
  });
});
