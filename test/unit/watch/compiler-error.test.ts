import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bareErrorInLine, errorInLine, placeText } from '../../../src/watch/compiler-error.ts';

describe('an error with a place', () => {
  it.each([
    [
      "src/main.cpp:12:3: error: 'nonsense' was not declared in this scope",
      { file: 'src/main.cpp', line: 12, column: 3, message: "'nonsense' was not declared in this scope" },
    ],
    [
      '/tmp/my sketch/Blink.ino:7:1: error: expected unqualified-id',
      { file: '/tmp/my sketch/Blink.ino', line: 7, column: 1, message: 'expected unqualified-id' },
    ],
    [
      'src/main.cpp:1:10: fatal error: Nope.h: No such file or directory',
      { file: 'src/main.cpp', line: 1, column: 10, message: 'Nope.h: No such file or directory' },
    ],
    [
      'C:\\Users\\me\\p\\src\\main.cpp:9:5: error: no',
      { file: 'C:\\Users\\me\\p\\src\\main.cpp', line: 9, column: 5, message: 'no' },
    ],
    ['lib/x.S:4: Error: unknown opcode', { file: 'lib/x.S', line: 4, message: 'unknown opcode' }],
    [
      "/opt/bin/../ld.exe: .pio/main.o:(.literal+0x0): undefined reference to `gone()'",
      { file: '.pio/main.o', message: "undefined reference to `gone()'" },
    ],
    [
      "src/main.cpp:3: undefined reference to `gone()'",
      { file: 'src/main.cpp', line: 3, message: "undefined reference to `gone()'" },
    ],
  ])('%s', (line, found) => {
    expect(errorInLine(line)).toEqual(found);
  });

  it.each([
    "src/main.cpp:12:3: warning: unused variable 'error'",
    'In file included from src/main.cpp:1:',
    'Compiling .pio/build/d1_mini/src/error.o',
    '0 errors, 12:30: all well',
    '',
  ])('%j is none', (line) => {
    expect(errorInLine(line)).toBeUndefined();
  });

  it('is written as editors and terminals turn it into a link', () => {
    expect(placeText({ file: 'a.cpp', line: 3, column: 4, message: '' })).toBe('a.cpp:3:4');
    expect(placeText({ file: 'a.o', message: '' })).toBe('a.o');
  });
});

describe('an error without a place', () => {
  it.each([
    ["make: *** No rule to make target 'firmware'.  Stop.", "No rule to make target 'firmware'.  Stop."],
    ['Error during build: Platform otarc:esp8266 not found', 'Platform otarc:esp8266 not found'],
    ['error: cannot find the toolchain', 'cannot find the toolchain'],
    ['xtensa-lx106-elf/bin/ld: cannot find -lgone', 'cannot find -lgone'],
    ['*** [.pio/build/x/firmware.elf] Source not found', 'Source not found'],
  ])('%s', (line, message) => {
    expect(bareErrorInLine(line)).toBe(message);
  });

  it.each(['*** [.pio/build/d1_mini/src/main.o] Error 1', 'collect2: error: ld returned 1 exit status'])(
    '%s says nothing more',
    (line) => {
      expect(bareErrorInLine(line)).toBeUndefined();
    },
  );
});

it('any line is read in time', () => {
  fc.assert(
    fc.property(
      fc.string({ maxLength: 4_000 }),
      fc.constantFrom(':', ' ', 'a:1:', '(', 'ld: '),
      (text, unit) => {
        const line = text + unit.repeat(2_000);
        const startedAt = performance.now();
        errorInLine(line);
        bareErrorInLine(line);
        expect(performance.now() - startedAt).toBeLessThan(1_000);
      },
    ),
    { numRuns: 50 },
  );
});
