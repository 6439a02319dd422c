/** Texts of a `platformio.ini` as people write them, and stranger. */

import fc from 'fast-check';

const blanks = fc.constantFrom('', '', '', ' ', '  ', '\t');
const comment = fc.constantFrom('', '', '', ' ; mine', '  # upload_protocol = x', ';glued');
const scripts = fc.constantFrom(
  'pre:a.py',
  'post:tools/b.py',
  '${env.extra_scripts}',
  '${common.scripts}',
  '${sysenv.S}',
);
const value = fc.oneof(
  fc.constantFrom(
    '',
    'd1_mini',
    'espota',
    'custom',
    'esptool',
    'a.local',
    '/dev/ttyUSB0',
    'voilà',
    '-DX="[y]"',
    'a = b',
  ),
  scripts,
  fc.array(scripts, { minLength: 2, maxLength: 3 }).map((items) => items.join(', ')),
);
const key = fc.constantFrom(
  'board',
  'extra_scripts',
  'upload_protocol',
  'upload_port',
  'Upload_Command',
  'extends',
  'scripts',
);
const option = fc
  .record({ key, delimiter: fc.constantFrom(' = ', '=', ': ', ' ='), value, comment, indent: blanks })
  .map((each) => `${each.indent}${each.key}${each.delimiter}${each.value}${each.comment}`);
const continued = fc
  .record({ indent: fc.constantFrom('  ', '\t', '      '), value, comment })
  .map((each) => `${each.indent}${each.value}${each.comment}`);
const header = fc
  .record({
    indent: blanks,
    name: fc.constantFrom('env', 'env:a', 'env:b', 'env:c', 'common', 'platformio', 'env:ünï'),
    comment,
  })
  .map((each) => `${each.indent}[${each.name}]${each.comment}`);
const other = fc.constantFrom('', '', '   ', '; a comment', '  # another', 'no option at all');

const line = fc.oneof(
  { arbitrary: header, weight: 3 },
  { arbitrary: option, weight: 5 },
  { arbitrary: continued, weight: 3 },
  { arbitrary: other, weight: 2 },
);

/** As `lines.ts` has texts: one character a byte. */
export const iniText: fc.Arbitrary<string> = fc
  .record({
    mark: fc.constantFrom('', '', '', '\uFEFF'),
    lines: fc.array(line, { maxLength: 14 }),
    lineEnds: fc.infiniteStream(fc.constantFrom('\n', '\r\n', '\r')),
    isMixed: fc.boolean(),
    isClosed: fc.boolean(),
  })
  .map(({ mark, lines, lineEnds, isMixed, isClosed }) => {
    const first = String(lineEnds.next().value);
    const texts = lines.map((each, index) => {
      const end = isMixed ? String(lineEnds.next().value) : first;
      return index === lines.length - 1 && !isClosed ? each : each + end;
    });
    return Buffer.from(mark + texts.join('')).toString('latin1');
  });

const sectionNames = ['env', 'env:a', 'env:b', 'env:a_ota', 'common', 'platformio'];
// No circles: PlatformIO would never end.
const parents = {
  'env:a': ['common'],
  'env:b': ['env:a', 'common, env:a', 'common'],
  'env:a_ota': ['env:a', 'env:b'],
};
const lists = fc.oneof(
  fc.constantFrom(
    '',
    'pre:a.py',
    'pre:a.py, b.py',
    '${env.extra_scripts}',
    '${common.scripts}',
    '${this.board}.py',
  ),
  fc
    .array(fc.constantFrom('a.py', 'post:b.py ; why', '${common.scripts}', '; c.py', ''), {
      minLength: 1,
      maxLength: 3,
    })
    .map((items) => ['', ...items].join('\n  ')),
);
const optionText = {
  extra_scripts: lists,
  upload_protocol: fc.constantFrom('espota', 'esptool', 'custom', '', '${common.protocol}'),
  upload_command: fc.constantFrom('./flash.sh', './flash.sh\n  $SOURCE'),
  upload_port: fc.constantFrom('a.local', '192.0.2.7', 'COM4', '/dev/cu.usb'),
  board: fc.constantFrom('d1_mini', 'esp32dev'),
  build_flags: fc.constantFrom('-DA=1', '\n    -D A ; first\n    ; none\n\n    -D B'),
};
const options = fc
  .record(optionText, { requiredKeys: [] })
  .chain((values) => fc.shuffledSubarray(Object.entries(values), { minLength: Object.keys(values).length }));

/** Only what PlatformIO accepts: each section and each option once. */
export const validIniText: fc.Arbitrary<string> = fc
  .record({
    names: fc.shuffledSubarray(sectionNames, { minLength: 2 }),
    contents: fc.array(options, { minLength: sectionNames.length, maxLength: sectionNames.length }),
    parent: fc.nat(5),
    scripts: fc.constantFrom('c.py', 'c.py, d.py', '\n  c.py\n  d.py'),
    indent: fc.constantFrom('', '', '  '),
    between: fc.constantFrom('', '\n', '\n; about the next one\n'),
    lineEnd: fc.constantFrom('\n', '\r\n'),
    isClosed: fc.boolean(),
  })
  .map(({ names, contents, parent, scripts: common, indent, between, lineEnd, isClosed }) => {
    const sections = names.map((name, index) => {
      const own =
        name === 'common'
          ? [
              ['scripts', common],
              ['protocol', 'espota'],
            ]
          : (contents[index] ?? []);
      const possible = Object.entries(parents).find(([child]) => child === name)?.[1] ?? [];
      const extended = possible[(parent + index) % 4];
      const all = [...own, ...(extended === undefined ? [] : [['extends', extended]])];
      const lines = all.map(([optionName, text]) => `${indent}${optionName} = ${text}`);
      return [`[${name}]`, ...(name === 'platformio' ? [] : lines)].join('\n');
    });
    const text = sections.join(`\n${between}`) + (isClosed ? '\n' : '');
    return Buffer.from(text.replaceAll('\n', lineEnd)).toString('latin1');
  })
  // A list on one line, taken in by a list of lines, is one item to PlatformIO, and sometimes two.
  .filter((text) => !(text.includes('scripts = c.py, d.py') && /\n {2,}\$\{common\.scripts/.test(text)));
