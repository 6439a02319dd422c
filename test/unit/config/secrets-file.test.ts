import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseSecrets } from '../../../src/config/secrets-file.ts';

const parse = (text: string, env: NodeJS.ProcessEnv = {}) =>
  parseSecrets({ file: '/p/.otarc.env', text }, env);

const lineBreak = 'a password has no line break, which \\n in double quotes is: write it in single quotes';

/** Each name with its value and line. */
const secretsOf = (text: string, env?: NodeJS.ProcessEnv): object =>
  Object.fromEntries(
    [...parse(text, env).secretsFile.secrets].map(([name, { secret, line }]) => [
      name,
      [secret.reveal(), line],
    ]),
  );

describe('.otarc.env', () => {
  it('holds passwords, each on its line', () => {
    const text = `\uFEFF# passwords
PORCH_PW=geheim

export HALL_PW = two words # of the hall
A="it's # one"\r
B='say "x"' # behind
D=\`x\`
EMPTY=
NONE= # yet
E='C:\\new'
F='#7'
`;
    expect(parse(text).problems).toEqual([]);
    expect(secretsOf(text)).toEqual({
      PORCH_PW: ['geheim', 2],
      HALL_PW: ['two words', 4],
      A: ["it's # one", 5],
      B: ['say "x"', 6],
      D: ['x', 7],
      E: ['C:\\new', 10],
      F: ['#7', 11],
    });
  });

  it('gives way to the environment, not to what is empty there', () => {
    expect(secretsOf('A=1\nB=2', { A: 'x', B: '' })).toEqual({ B: ['2', 2] });
  });

  it.each([
    ['A=1\nhunter2\n', '/p/.otarc.env:2', 'must be NAME=value'],
    ['hunter 2=x', '/p/.otarc.env:1', 'must be NAME=value'],
    ['hunter-2=x', '/p/.otarc.env:1', 'must be NAME=value'],
    ['=hunter2', '/p/.otarc.env:1', 'must be NAME=value'],
    ['A="hunter2\nB=1\n', '/p/.otarc.env:1', 'a quotation mark " is not closed'],
    ['A=hunter#2', '/p/.otarc.env:1', 'a value with a # needs quotes'],
    ['A=#hunter2', '/p/.otarc.env:1', 'a value with a # needs quotes'],
    ['A=# hunter2', '/p/.otarc.env:1', 'a value with a # needs quotes'],
    ['A= #hunter2', '/p/.otarc.env:1', 'a value with a # needs quotes'],
    ['B=1\nA="C:\\new hunter2"', '/p/.otarc.env:2', lineBreak],
    ['A="first\nhunter2"', '/p/.otarc.env:1', lineBreak],
    ['\n\nA="a"hunter2', '/p/.otarc.env:3', 'nothing may stand behind the quotation mark'],
    ['A="a\nb" hunter2', '/p/.otarc.env:2', 'nothing may stand behind the quotation mark'],
  ])('names the line of a mistake, and nothing of it: %j', (text, place, message) => {
    const { problems } = parse(text);
    expect(problems).toEqual([{ place, path: '', message }]);
    expect(JSON.stringify(problems)).not.toContain('hunter');
  });

  it('says what has no effect in it', () => {
    expect(parse('OTARC_PORT=1\nOTARC_PASSWORD=x\nOTARC_PASSWORD_FILE=y\nOTHER=z').warnings).toEqual([
      '/p/.otarc.env:1: OTARC_PORT has no effect here: only passwords are read.',
      '/p/.otarc.env:3: OTARC_PASSWORD_FILE has no effect here: only passwords are read.',
    ]);
  });

  it('survives any text, and shows none of it', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('A', '=', '"', "'", '\n', ' ', '#', 'SwordFish', '\\')),
        (parts) => {
          const { problems, warnings, secretsFile } = parse(parts.join(''));
          const shown = JSON.stringify([problems, warnings, [...secretsFile.secrets.values()]]);
          expect(shown).not.toContain('SwordFish');
        },
      ),
    );
  });

  it('has what a person wrote in quotes, whatever it is', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[^'\r\n\0\\\uFEFF]+$/), (password) => {
        expect(secretsOf(`A='${password}'`)).toEqual({ A: [password, 1] });
      }),
    );
  });
});
