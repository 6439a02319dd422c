import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { brokenLineOf } from '../../../src/init/ini.ts';
import { withPioHooks, withoutPioHooks, type PioHooks } from '../../../src/init/pio-hooks.ts';
import { iniText } from './ini-texts.ts';

const uploadCommand = '"$PYTHONEXE" otarc.py push -e "$PIOENV" --file $SOURCE';
const hooks = (more: Partial<PioHooks> = {}): PioHooks => ({
  script: true,
  upload: true,
  uploadCommand,
  force: false,
  ...more,
});
const scriptOnly = hooks({ upload: false });
const text = (...lines: string[]): string => lines.map((line) => `${line}\n`).join('');
/** The lines that are new, without marks and comments. */
const added = (before: string, after: string): string[] => {
  const old = before.split('\n');
  return after.split('\n').filter((line) => !old.includes(line) && !line.startsWith(';'));
};

describe('the script', () => {
  it.each([
    {
      name: 'gets a key of its own where there is none',
      ini: text('[env:d1]', 'board = d1_mini', '', '; the end'),
      expected: ['extra_scripts = post:otarc.py'],
    },
    {
      name: 'joins a list of lines',
      ini: text(
        '[env:d1]',
        'extra_scripts =',
        '  pre:a.py',
        '  ; not me',
        '',
        '  post:b.py ; me',
        'board = d1',
      ),
      expected: ['  post:otarc.py ; otarc init'],
    },
    {
      name: 'joins one item as a second line',
      ini: text('[env:d1]', 'extra_scripts = pre:a.py', 'board = d1'),
      expected: ['    post:otarc.py ; otarc init'],
    },
    {
      name: 'joins items on one line, before the comment there',
      ini: text('[env:d1]', 'extra_scripts = pre:a.py, b.py  ; mine', 'board = d1'),
      expected: ['extra_scripts = pre:a.py, b.py, post:otarc.py ; otarc init  ; mine'],
    },
    {
      name: 'joins an empty list',
      ini: text('[env:d1]', 'extra_scripts =', 'board = d1'),
      expected: ['    post:otarc.py ; otarc init'],
    },
    {
      name: 'stands once in [env] for all of them',
      ini: text('[env]', 'framework = arduino', '[env:a]', 'board = a', '[env:b]', 'board = b'),
      expected: ['extra_scripts = post:otarc.py'],
    },
    {
      name: 'joins the list that an environment inherits',
      ini: text(
        '[base]',
        'extra_scripts = pre:a.py',
        '[env:a]',
        'extends = base',
        '[env:b]',
        'extends = base',
      ),
      expected: ['    post:otarc.py ; otarc init'],
    },
    {
      name: 'comes with a list that takes in another one',
      ini: text(
        '[env:b]',
        'extra_scripts = ${env.extra_scripts}',
        '  b.py',
        '[env:a]',
        '[env]',
        'extra_scripts = a.py',
      ),
      expected: ['    post:otarc.py ; otarc init'],
    },
    {
      name: 'is an item on the same line where an interpolation makes a list of it',
      ini: text('[common]', 'scripts = a.py, b.py', '[env:b]', 'extra_scripts = ${common.scripts}'),
      expected: ['extra_scripts = ${common.scripts}, post:otarc.py ; otarc init'],
    },
  ])('$name', ({ ini, expected }) => {
    const edited = withPioHooks(ini, scriptOnly).text;
    expect(added(ini, edited)).toEqual(expected);
    expect(withoutPioHooks(edited)).toBe(ini);
  });

  it.each(['post:otarc.py', 'otarc.py', 'post:tools/otarc.py'])('is not added to %s', (item) => {
    const ini = text('[env:d1]', `extra_scripts = a.py, ${item}`);
    expect(withPioHooks(ini, scriptOnly).text).toBe(ini);
    expect(withoutPioHooks(ini)).toBe(ini);
  });

  it('reaches only the environment that is named', () => {
    const ini = text('[env]', '[env:a]', 'board = a', '[env:b]', 'board = b');
    const edited = withPioHooks(ini, { ...scriptOnly, environment: 'b' }).text;
    expect(edited.indexOf('extra_scripts')).toBeGreaterThan(edited.indexOf('[env:b]'));
  });
});

describe('the Upload button', () => {
  const uploadOnly = hooks({ script: false });

  it('goes over the air in every environment that chooses nothing itself', () => {
    const ini = text('[env:a]', 'board = a', '[env:b]', 'board = b');
    const { text: edited, notes } = withPioHooks(ini, uploadOnly);
    expect(edited.match(/^upload_protocol = custom$/gm)).toHaveLength(2);
    expect(edited.split('\n').filter((line) => line === `upload_command = ${uploadCommand}`)).toHaveLength(2);
    expect(notes).toEqual([]);
  });

  it('goes over the air through otarc where it went by espota, whose lines come back', () => {
    const ini = text(
      '[env:a]',
      'upload_protocol = espota ; wifi',
      'upload_port = a.local',
      'upload_flags =',
      '  --port=8266',
    );
    const { text: edited, notes } = withPioHooks(ini, uploadOnly);
    expect(edited).toContain(
      '\n; before otarc init: upload_protocol = espota ; wifi\nupload_port = a.local\n',
    );
    expect(edited).toContain('\nupload_protocol = custom\n');
    expect(notes).toEqual([]);
    expect(withoutPioHooks(edited)).toBe(ini);
  });

  it('stays with the cable where a twin goes over the air', () => {
    const ini = text(
      '[env:d1]',
      'board = d1',
      '[env:d1_ota]',
      'extends = env:d1',
      'upload_protocol = espota',
      'upload_port = a.local',
    );
    const { text: edited, notes } = withPioHooks(ini, uploadOnly);
    expect(edited.indexOf('upload_command')).toBeGreaterThan(edited.indexOf('[env:d1_ota]'));
    expect(edited.match(/^upload_command/gm)).toHaveLength(1);
    expect(notes).toEqual([{ environment: 'd1', reason: 'twin', because: 'd1_ota' }]);
  });

  it.each(['upload_protocol = esptool', 'upload_port = /dev/ttyUSB0', 'upload_port = COM4'])(
    'stays with the cable that %s asks for, unless the environment is named',
    (line) => {
      const ini = text('[env:d1]', line);
      const kept = withPioHooks(ini, uploadOnly);
      expect(kept.text).toBe(ini);
      expect(kept.notes).toEqual([{ environment: 'd1', reason: 'cable', because: line }]);
      const named = withPioHooks(ini, { ...uploadOnly, environment: 'd1' });
      expect(named.text).toContain('upload_protocol = custom');
      expect(named.notes).toEqual([]);
      expect(withoutPioHooks(named.text)).toBe(ini);
    },
  );

  it('stays with espota where the address is only understood by that', () => {
    const ini = text('[env:a]', 'upload_protocol = espota', 'upload_port = livingroom');
    const { text: edited, notes } = withPioHooks(ini, uploadOnly);
    expect(edited).toBe(ini);
    expect(notes).toEqual([{ environment: 'a', reason: 'espota', because: 'livingroom' }]);
  });

  it('stays as it is in an environment whose settings another one takes over, to go by cable', () => {
    const ini = text(
      '[env:ota]',
      'upload_protocol = espota',
      'upload_port = 192.0.2.7',
      '[env:cable]',
      'extends = env:ota',
      'upload_protocol = esptool',
    );
    const { text: edited, notes } = withPioHooks(ini, uploadOnly);
    expect(edited).toBe(ini);
    expect(notes.map(({ environment, reason }) => [environment, reason])).toEqual([
      ['cable', 'cable'],
      ['ota', 'shared'],
    ]);
  });

  it("leaves the project's own command alone, unless forced", () => {
    const ini = text('[env:d1]', 'upload_protocol = esptool', 'upload_command = ./flash.sh', '  $SOURCE');
    expect(withPioHooks(ini, uploadOnly).text).toBe(ini);
    const forced = withPioHooks(ini, { ...uploadOnly, force: true }).text;
    expect(forced).toContain(
      '; before otarc init: upload_command = ./flash.sh\n; before otarc init:   $SOURCE\n',
    );
    expect(withoutPioHooks(forced)).toBe(ini);
  });

  it('keeps by cable what the user has put back to it', () => {
    const edited = withPioHooks(text('[env:d1]', 'board = d1'), hooks()).text;
    const byCable = edited.replaceAll(/^upload_/gm, ';$&');
    expect(byCable).not.toBe(edited);
    expect(withPioHooks(byCable, hooks()).text).toBe(byCable);
    expect(withoutPioHooks(byCable)).toBe(text('[env:d1]', 'board = d1'));
  });
});

describe('taking it out', () => {
  it('keeps what the user has written since, also between the marks', () => {
    const ini = text('[env:d1]', 'board = d1');
    const edited = withPioHooks(ini, hooks())
      .text.replace('board = d1', 'board = d1_mini_lite')
      .replace('; <<<', 'upload_speed = 921600\nbuild_flags =\n  -DX=1\n; <<<');
    expect(withoutPioHooks(`; mine\n${edited}[env:new]\n`)).toBe(
      text(
        '; mine',
        '[env:d1]',
        'board = d1_mini_lite',
        'upload_speed = 921600',
        'build_flags =',
        '  -DX=1',
        '[env:new]',
      ),
    );
  });

  it('works on line ends that git has changed', () => {
    const ini = text('[env:d1]', 'extra_scripts = a.py', 'upload_protocol = espota');
    const edited = withPioHooks(ini, hooks()).text.replaceAll('\n', '\r\n');
    expect(withoutPioHooks(edited)).toBe(ini.replaceAll('\n', '\r\n'));
  });

  it('gives the same bytes back, whatever the file was', () => {
    fc.assert(
      fc.property(iniText, fc.boolean(), fc.boolean(), fc.boolean(), (ini, script, upload, force) => {
        const edited = withPioHooks(ini, hooks({ script, upload, force })).text;
        expect(withoutPioHooks(edited)).toBe(ini);
      }),
      { numRuns: 2000 },
    );
  });

  it('also out of one that pio refuses, with a section further right than the options before it', () => {
    const ini =
      '[env]\rUpload_Command = pre:a.py\rupload_protocol = pre:a.py, pre:a.py\rno option at all\r\t[env]\r[env:c]';
    expect(withoutPioHooks(withPioHooks(ini, hooks({ force: true })).text)).toBe(ini);
  });

  it('finds nothing to add a second time', () => {
    fc.assert(
      fc.property(iniText, fc.boolean(), (ini, upload) => {
        fc.pre(brokenLineOf(ini) === undefined);
        const once = withPioHooks(ini, hooks({ upload })).text;
        expect(withPioHooks(once, hooks({ upload })).text).toBe(once);
      }),
      { numRuns: 2000 },
    );
  });

  it('leaves a file alone that init has not touched', () => {
    fc.assert(
      fc.property(fc.oneof(iniText, fc.string({ unit: 'binary' })), (ini) => withoutPioHooks(ini) === ini),
    );
  });
});
