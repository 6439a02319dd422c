import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { planCommand } from '../../../src/builders/command.ts';
import { toolEnvironment } from '../../../src/builders/environment.ts';
import { buildFailed, toolMissing } from '../../../src/builders/failures.ts';
import { OutputEnd, lastLines, plainText } from '../../../src/builders/output-end.ts';

describe('the environment of a tool', () => {
  it('has no password, and the mark of this session', () => {
    const env = {
      A: '1',
      OTARC_PASSWORD: 'x',
      OTARC_PASSWORD_HALL: 'x',
      Otarc_Password_File: 'x',
      OTARC_SESSION: '1',
    };
    const { A, OTARC_SESSION, ...rest } = toolEnvironment(env, false);
    expect({ A, OTARC_SESSION }).toEqual({ A: '1', OTARC_SESSION: String(process.pid) });
    expect(Object.keys(rest).filter((name) => /password/i.test(name))).toEqual([]);
  });
  it.each([
    [{}, true, 'true', undefined],
    [{}, false, undefined, '1'],
    [{ NO_COLOR: '1' }, true, undefined, '1'],
    [{ FORCE_COLOR: '1' }, false, 'true', undefined],
    [{ FORCE_COLOR: '0' }, true, undefined, undefined],
    [{ PLATFORMIO_FORCE_ANSI: 'no' }, true, 'no', undefined],
  ])('%j, terminal %s: colours forced %s, off %s', (env, isTerminal, forced, off) => {
    const { PLATFORMIO_FORCE_ANSI, NO_COLOR } = toolEnvironment(env, isTerminal);
    expect([PLATFORMIO_FORCE_ANSI, NO_COLOR]).toEqual([forced, off]);
  });
});

describe('the end of the output', () => {
  it('is the same however it was cut into pieces', () => {
    const bytes = new TextEncoder().encode('grün\r\n\u001B[31mrot\u001B[0m\rüber\u0007\n\tlast');
    for (let cut = 0; cut <= bytes.length; cut++) {
      const end = new OutputEnd();
      end.add(bytes.subarray(0, cut));
      end.add(bytes.subarray(cut));
      expect(end.text()).toBe('grün\nrot\nüber\n\tlast');
    }
  });
  it('is the last of much', () => {
    const end = new OutputEnd();
    for (let line = 0; line < 100_000; line++) end.add(new TextEncoder().encode(`line ${line}\n`));
    expect(lastLines(end.text(), 2)).toEqual(['line 99998', 'line 99999']);
    expect(end.text().length).toBeLessThanOrEqual(64 * 1024);
  });
  it('has no control characters but line breaks and tabs', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(plainText(text)).not.toMatch(/[^\P{Cc}\n\t]/u);
      }),
    );
  });
});

describe('the errors of a build', () => {
  it('say what was run and how it ended', () => {
    const outputEnd = Array.from({ length: 30 }, (_, i) => `line ${i}`).join('\n\n');
    const error = buildFailed(['make', 'all'], { exitCode: 2, outputEnd });
    expect(error.message).toBe('The build failed: `make all` ended with exit code 2.');
    expect(error.details['tail']).toEqual(Array.from({ length: 20 }, (_, i) => `line ${i + 10}`));
    expect(buildFailed(['x'], { exitCode: 143, signal: 'SIGTERM', outputEnd: '' }).message).toContain(
      'SIGTERM',
    );
  });
  it.each(['linux', 'darwin', 'win32'] as const)('say on %s how to install what is missing', (system) => {
    expect(toolMissing({ tool: 'pio', file: 'pio', system })).toMatchObject({
      code: 'BUILD_TOOL_MISSING',
      hint: expect.stringContaining('install platformio'),
    });
    const { hint } = toolMissing({ tool: 'arduino-cli', file: 'arduino-cli', system });
    expect(hint).toContain(system === 'win32' ? 'winget' : system === 'darwin' ? 'brew' : 'https://');
  });
});

describe('a build by any command', () => {
  const request = { projectDir: '/p', kind: 'firmware', args: [] } as const;
  it.each([
    { more: { command: ['make'] }, key: 'build.image' },
    { more: { command: ['make'], kind: 'filesystem' as const }, key: 'build.filesystemImage' },
    { more: { image: '/i.bin' }, key: 'build.command' },
    { more: { image: '/i.bin', command: [] }, key: 'build.command' },
  ])('with $more is told of $key', ({ more, key }) => {
    expect(() => planCommand({ ...request, ...more })).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID', hint: expect.stringContaining(key) }),
    );
  });
});
